// `npm run check`: types, lint with format and import arrows, duplicates. Looks at sources only; takes seconds.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { runMain } from './setup/failure.mjs';
import { packageFile, repository } from './setup/repository.mjs';
import { setUpDependencies } from './setup.mjs';

const sourceFolders = [
  'protocol/src',
  'language-server/src',
  'coordinator/src',
  'extension/src',
  'webview/src',
  'scripts',
  'test',
  'bench',
];

const steps = [
  { name: 'types', file: 'typescript/bin/tsc', args: ['-b'] },
  {
    name: 'lint, format, arrows',
    file: '@biomejs/biome/bin/biome',
    args: ['ci', '--colors=off', '--error-on-warnings', '--diagnostic-level=warn'],
  },
  {
    name: 'duplicates',
    file: 'jscpd/bin/jscpd',
    args: ['--noTips', '--config', path.join('scripts', 'jscpd.json'), ...sourceFolders],
  },
];

await runMain(async () => {
  await setUpDependencies();
  // All run, so that one call shows everything that is wrong.
  const results = [];
  for (const each of steps) results.push(await check(each));
  return results.every(Boolean) ? 0 : 1;
});

/** @param {{ name: string, file: string, args: readonly string[] }} step */
async function check({ name, file, args }) {
  const started = performance.now();
  const { code, output } = await collect(packageFile(file), args);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 ? '✓' : '✗'} ${name} (${seconds} s)\n`);
  if (code !== 0) process.stdout.write(`${output.trimEnd()}\n`);
  return code === 0;
}

/**
 * @param {string} file
 * @param {readonly string[]} args
 * @returns {Promise<{ code: number, output: string }>}
 */
function collect(file, args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [file, ...args], { cwd: repository, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
        output += text;
      });
    }
    child.on('error', (error) => resolve({ code: 1, output: error.message }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
