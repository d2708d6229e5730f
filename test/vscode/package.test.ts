import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findTrainer, startTrainer } from '../../language-server/src/learning/trainer.ts';
import { trainerCommands } from '../../language-server/src/learning/trainerMessages.ts';
import { findBuilt } from '../../native/build.mjs';
import { openEditor } from './harness/editor.ts';
import { findTools } from './harness/tools.ts';

const script = fileURLToPath(new URL('../../scripts/package.mjs', import.meta.url));
const target = `${process.platform}-${process.arch}`;

describe(`the package for ${target}`, () => {
  let folder = '';
  let vsix = '';
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'argot-vsix-'));
    const child = spawn(process.execPath, [script, '--target', target, '--out', folder], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    expect(await once(child, 'close')).toEqual([0, null]);
    const [name = ''] = await readdir(folder);
    vsix = path.join(folder, name);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is named after its target and stays under 20 MB', async () => {
    expect(path.basename(vsix)).toMatch(new RegExp(`^argot-${target}-\\d+\\.\\d+\\.\\d+\\.vsix$`));
    expect((await stat(vsix)).size).toBeLessThan(20_000_000);
  });

  it('completes code, and has a trainer that runs, once the editor has installed it', async () => {
    const text = 'function add(a, b) {\n  return a + b;\n}\n\nfunction subtract(a, b) {\n  \n}\n';
    await using editor = await openEditor({ vsix, files: { 'sums.js': text } });
    await editor.statusBecomes(/ready/i);
    await editor.openFile('sums.js');
    await editor.goTo(6, 3);
    await editor.type('return ');
    const suggestion = await editor.ghostText();
    await editor.press('Tab');
    expect(await editor.documentText()).toContain(`  return ${suggestion}`);

    if ((await findBuilt()) === undefined) return;
    const [installed = ''] = (await readdir(editor.extensions)).filter((name) => name.startsWith('argot.'));
    const host = findTrainer(path.join(editor.extensions, installed), process.platform, process.arch);
    if ('missing' in host) throw new Error(host.missing);
    const tools = await findTools();
    const { signal } = new AbortController();
    const info = await startTrainer(host, trainerCommands.info, { model: tools.model, devices: true }, signal).outcome;
    expect(info).toMatchObject({ ok: true, result: { architecture: 'llama', layers: 30 } });
  });
});
