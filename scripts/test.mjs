// `npm test`: all set-up, then every test, including those in a real editor. `--soak` runs the long ones instead;
// other arguments go to vitest.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { foreground } from './setup/commands.mjs';
import { runMain } from './setup/failure.mjs';
import { withNode } from './setup/node24.mjs';
import { counts, summary } from './setup/report.mjs';
import { packageFile } from './setup/repository.mjs';
import { setUpTests } from './setup.mjs';

await runMain(async () => {
  const given = process.argv.slice(2);
  const soak = given.includes('--soak');
  const rest = given.filter((argument) => argument !== '--soak');
  const tools = await setUpTests();
  const folder = await mkdtemp(path.join(tmpdir(), 'argot-test-'));
  try {
    const reportFile = path.join(folder, 'report.json');
    const args = [
      ...[packageFile('vitest/vitest.mjs'), 'run'],
      ...(soak ? ['--config', path.join('scripts', 'soak.config.mjs')] : []),
      ...['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`],
      ...rest,
    ];
    const env = { ...withNode(tools.node), ARGOT_MODEL_PATH: tools.model, ARGOT_TEST_TOOLS: JSON.stringify(tools) };
    const code = await foreground(tools.node, args, { env });
    const report = await readFile(reportFile, 'utf8').catch(() => undefined);
    if (report === undefined) {
      process.stdout.write('No test ran: vitest ended before it wrote a report. See its output above.\n');
      return code === 0 ? 1 : code;
    }
    const result = counts(JSON.parse(report));
    process.stdout.write(`${summary(result)}\n`);
    return code === 0 && result.failed > 0 ? 1 : code;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
