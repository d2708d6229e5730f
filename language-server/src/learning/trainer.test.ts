import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findTrainer, startTrainer } from './trainer.ts';
import { type TrainerEvent, trainerCommands } from './trainerMessages.ts';

/** A program in the trainer's place, so that the client is tested without a compiler. Scripts need a shebang. */
describe.skipIf(process.platform === 'win32')('the trainer’s client', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'argot-client-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function fake(body: string): Promise<{ program: string; libraries: string }> {
    const program = join(folder, 'trainer.cjs');
    const lines = `const rl = require('node:readline').createInterface({ input: process.stdin });
const tell = (message) => console.log(JSON.stringify(message));
rl.on('line', (text) => { const line = JSON.parse(text); ${body} });`;
    await writeFile(program, `#!${process.execPath}\n${lines}\n`);
    await chmod(program, 0o755);
    return { program, libraries: '/libraries' };
  }
  const never = new AbortController().signal;
  const request = { model: 'm.gguf', output: 'o.gguf', mode: 'b' } as const;

  test('sends the command with the libraries, and gives events and the result', async () => {
    const host = await fake(`
      tell({ event: 'checkpoint', step: line.command === 'delta' && line.libraries === '/libraries' && line.mode === 'b' ? 1 : 0 });
      tell({ event: 'result', values: 7 }); process.exit(0);`);
    const events: TrainerEvent[] = [];
    const run = startTrainer(host, trainerCommands.delta, request, never, (event) => events.push(event));
    expect(await run.outcome).toEqual({ ok: true, result: { values: 7 } });
    expect(events).toEqual([{ event: 'checkpoint', step: 1 }]);
  });

  test('gives a problem with its message', async () => {
    const host = await fake(`tell({ event: 'error', problem: 'dataInvalid', message: 'line 3' }); process.exit(9);`);
    const run = startTrainer(host, trainerCommands.delta, request, never);
    expect(await run.outcome).toEqual({ ok: false, problem: 'dataInvalid', message: 'line 3' });
  });

  test('says what a program that dies without a word complained of', async () => {
    const host = await fake(`require('node:fs').writeSync(2, 'GGML_ASSERT failed'); process.exit(134);`);
    const run = startTrainer(host, trainerCommands.delta, request, never);
    expect(await run.outcome).toMatchObject({
      ok: false,
      problem: 'crashed',
      message: expect.stringMatching(/134.*GGML_ASSERT/),
    });
  });

  test('takes no message that the schema does not know', async () => {
    const host = await fake(`tell({ event: 'result', values: 'many' }); process.exit(0);`);
    const run = startTrainer(host, trainerCommands.delta, request, never);
    expect(await run.outcome).toMatchObject({
      ok: false,
      problem: 'crashed',
      message: expect.stringContaining('unknown message'),
    });
  });

  test('passes pause, resume and cancel on', async () => {
    const host = await fake(`
      if (line.command) tell({ event: 'warning', message: 'started' });
      if (line.control) tell({ event: 'warning', message: line.control });
      if (line.control === 'cancel') { tell({ event: 'error', problem: 'cancelled', message: 'Cancelled.' }); process.exit(13); }`);
    const stop = new AbortController();
    const said: string[] = [];
    const run = startTrainer(host, trainerCommands.delta, request, stop.signal, (event) => {
      if (event.event !== 'warning') return;
      said.push(event.message);
      if (event.message === 'started') run.pause();
      if (event.message === 'pause') run.resume();
      if (event.message === 'resume') stop.abort();
    });
    expect(await run.outcome).toMatchObject({ ok: false, problem: 'cancelled' });
    expect(said).toEqual(['started', 'pause', 'resume', 'cancel']);
  });

  test('loads the libraries of a GPU only for a request that names a device', async () => {
    const program = await fake(`tell({ event: 'warning', message: line.libraries }); process.exit(0);`);
    const host = { ...program, libraries: 'plain', gpuLibraries: 'for a GPU' };
    const said: string[] = [];
    for (const device of [undefined, 'cpu', 'gpu', 'CUDA0']) {
      const run = startTrainer(host, trainerCommands.info, { model: 'm', device }, never, (event) => {
        if (event.event === 'warning') said.push(event.message);
      });
      await run.outcome;
    }
    expect(said).toEqual(['plain', 'plain', 'for a GPU', 'for a GPU']);
  });

  test('ends a program that does not heed a cancel', async () => {
    const host = await fake(`tell({ event: 'warning', message: 'deaf' });`);
    const stop = new AbortController();
    const run = startTrainer(host, trainerCommands.delta, request, stop.signal, () => stop.abort());
    expect(await run.outcome).toMatchObject({ ok: false, problem: 'cancelled' });
  });

  test('a program that can’t be started is a problem, not an exception', async () => {
    const run = startTrainer({ program: join(folder, 'absent'), libraries: '' }, trainerCommands.delta, request, never);
    expect(await run.outcome).toMatchObject({
      ok: false,
      problem: 'crashed',
      message: expect.stringContaining('could not be started'),
    });
  });

  test('says how to get a trainer that is not there: another package, or a compiler where the source is', async () => {
    expect(findTrainer(folder, 'linux', 'x64')).toEqual({ missing: expect.stringContaining('linux-x64') });
    await write('native/build.mjs');
    expect(findTrainer(folder, 'linux', 'x64')).toEqual({ missing: expect.stringContaining('npm run build:native') });
  });

  test('finds the libraries beside the bundles of an installed extension before those of a repository', async () => {
    await write('dist/native/argot-trainer');
    expect(findTrainer(folder, 'linux', 'x64')).toEqual({ missing: expect.stringContaining('reinstall') });
    const inRepository = await write('node_modules/@node-llama-cpp/linux-x64/bins/linux-x64/libggml.so');
    expect(findTrainer(folder, 'linux', 'x64')).toMatchObject({ libraries: dirname(inRepository) });
    const installed = await write('dist/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64/libggml.so');
    expect(findTrainer(folder, 'linux', 'x64')).toMatchObject({ libraries: dirname(installed) });
    const forGpu = await write('node_modules/@node-llama-cpp/linux-x64-cuda/bins/linux-x64-cuda/libggml.so');
    const both = { libraries: dirname(installed), gpuLibraries: dirname(forGpu) };
    expect(findTrainer(folder, 'linux', 'x64')).toMatchObject(both);
  });

  async function write(path: string): Promise<string> {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, '');
    return file;
  }
});
