import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEditor } from './harness/editor.ts';

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

  it('completes code once the editor has installed it', async () => {
    const text = 'function add(a, b) {\n  return a + b;\n}\n\nfunction subtract(a, b) {\n  \n}\n';
    await using editor = await openEditor({ vsix, files: { 'sums.js': text } });
    await editor.statusBecomes(/ready/i);
    await editor.openFile('sums.js');
    await editor.goTo(6, 3);
    await editor.type('return ');
    const suggestion = await editor.ghostText();
    await editor.press('Tab');
    expect(await editor.documentText()).toContain(`  return ${suggestion}`);
  });
});
