import { describe, expect, test } from 'vitest';
import { startTrainer } from '../../language-server/src/learning/trainer.ts';
import { type TrainerEvent, trainerCommands } from '../../language-server/src/learning/trainerMessages.ts';
import { ask, benchOfFile, countingExamples } from './lib.ts';

const { bench, missing } = await benchOfFile();

/**
 * ggml's own processor code is a device like any GPU: what is tested here is what runs there. With ARGOT_TEST_DEVICE=CUDA0, or
 * another device that `info` lists, the same tests run there.
 */
const device = process.env.ARGOT_TEST_DEVICE ?? 'CPU';

describe.skipIf(missing)('products on a device of ggml', () => {
  // Gradients go back through float16. Forward, ggml rounds activations as the type asks: not, to 11 bits, or to 8 in
  // blocks, which random weights magnify; a transposed or forgotten matrix would be wrong by more than 1.
  const bounds = {
    // A GPU may round the activations of these too (cuBLAS multiplies in TF32, which has the 11 bits of float16).
    f32: device === 'CPU' ? { gradient: 0.005, loss: 1e-6 } : { gradient: 0.01, loss: 5e-4 },
    f16: { gradient: 0.01, loss: 5e-4 },
    q8_0: { gradient: 0.25, loss: 0.01 },
    q4_1: { gradient: 0.25, loss: 0.01 },
  };
  for (const architecture of ['llama', 'qwen2', 'qwen3']) {
    for (const [type, bound] of Object.entries(bounds)) {
      test(`${architecture}, ${type}: loss and gradients are those in double precision`, async () => {
        const adapter = { rank: 3, alpha: 6 };
        const model = await bench.model(architecture, type, type === 'f32' ? 'untied' : 'tiny');
        const request = { model, adapter, device, tokens: 17, threads: 1, differences: false, frozenScale: 0.7 };
        const { paths } = await ask(bench, trainerCommands.gradcheck, request);
        const path = paths.find(({ kernels }) => kernels === 'device');
        expect(path?.error).toBeLessThan(bound.gradient);
        expect(path?.lossError).toBeLessThan(bound.loss);
      });
    }
  }

  test('an adapter that was trained there has the same loss there and here', async () => {
    const model = await bench.model('qwen2', 'q4_1');
    const data = await bench.data('train.jsonl', countingExamples(40, 24));
    const output = bench.path('device.gguf');
    const request = { model, data, sequence: 64, threads: 1 };
    const events: TrainerEvent[] = [];
    const train = { ...request, output, device, epochs: 6, learningRate: 0.02, dropout: 0.1 };
    await ask(bench, trainerCommands.train, train, (event) => events.push(event));
    expect(events).toContainEqual(expect.objectContaining({ event: 'ready', device }));
    const stacks = [[], [{ path: output, scale: 1 }]];
    const [here, there] = [
      await ask(bench, trainerCommands.evaluate, { ...request, stacks }),
      await ask(bench, trainerCommands.evaluate, { ...request, stacks, device }),
    ];
    expect(here.stacks[1]?.loss).toBeLessThan((here.stacks[0]?.loss ?? 0) * 0.8);
    for (const [i, { loss }] of here.stacks.entries()) {
      expect(Math.abs(loss / (there.stacks[i]?.loss ?? 0) - 1)).toBeLessThan(0.01);
    }
  });

  test('a device that is not there is refused by name, with those that are', async () => {
    for (const absent of device === 'CPU' ? ['gpu', 'CUDA7'] : ['CUDA7']) {
      const model = await bench.model('llama');
      const data = await bench.data('train.jsonl', countingExamples(2, 8));
      const request = { model, data, device: absent };
      const run = startTrainer(bench.host, trainerCommands.evaluate, request, new AbortController().signal);
      expect(await run.outcome).toMatchObject({ ok: false, problem: 'deviceUnusable' });
      expect(await run.outcome).toMatchObject({ message: expect.stringContaining(`${absent} is not among`) });
      expect(await run.outcome).toMatchObject({ message: expect.stringContaining('CPU') });
    }
  });
});
