import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileServer } from './testing/fileServer.ts';
import { sampleModel } from './testing/sampleGguf.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argot-cli-'));
  await build({
    entryPoints: [join(import.meta.dirname, 'cli.ts')],
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    outfile: join(folder, 'cli.mjs'),
    logLevel: 'error',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
});
afterAll(() => rm(folder, { recursive: true }));

async function run(args: readonly string[], hub = 'http://127.0.0.1:1') {
  const env = { PATH: process.env.PATH, ARGOT_HOME: join(folder, 'home'), ARGOT_HUB: hub };
  const child = spawn(process.execPath, [join(folder, 'cli.mjs'), ...args], { env });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (errors += chunk));
  const [code] = await once(child, 'close');
  return { code, output, errors };
}

describe('models-cli', () => {
  it('lists the catalogue', async () => {
    const { code, output } = await run(['list']);
    expect(code).toBe(0);
    expect(output).toMatch(/^smollm2-135m +98 MB {2}memory \d+ MB {2}Apache-2.0/);
  });

  it('imports a file: the path on stdout, progress on stderr', async () => {
    const from = join(folder, 'mine.gguf');
    await writeFile(from, sampleModel());
    const { code, output, errors } = await run(['import', from]);
    expect({ code, output }).toEqual({ code: 0, output: `${join(folder, 'home', 'models', 'mine.gguf')}\n` });
    expect(errors).toMatch(/^downloading 100 % of 27 kB/);
    expect(await readFile(output.trim())).toEqual(sampleModel());
    expect((await run(['list'])).output).toContain('mine.gguf');
  });

  it('fails with one sentence and exit code 1', async () => {
    await using server = await fileServer(Buffer.from('x'), { statuses: [404] });
    const absent = await run(['fetch', 'qwen2.5-coder-0.5b'], server.origin);
    expect(absent.code).toBe(1);
    expect(absent.output).toBe('');
    expect(absent.errors.trimEnd().split('\n').at(-1)).toMatch(/has no such file \(404\)\. .+\.$/);
    expect(await run(['fetch', 'nope'])).toMatchObject({
      code: 1,
      errors: expect.stringContaining('There is no model “nope”'),
    });
    expect(await run(['import', join(folder, 'cli.mjs')])).toMatchObject({
      code: 1,
      errors: expect.stringContaining('not a GGUF file'),
    });
  });

  it.each([[[]], [['fetch']], [['list', 'all']], [['fetch', 'a', '--from']], [['remove', 'a']]])(
    'explains itself for %j',
    async (args) => {
      expect(await run(args)).toMatchObject({ code: 1, errors: expect.stringContaining('Usage:') });
    },
  );
});
