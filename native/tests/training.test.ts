import { existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { startTrainer, type TrainerRun } from '../../language-server/src/learning/trainer.ts';
import {
  type TrainerEvent,
  trainerCommands,
  type trainRequestSchema,
  type trainResultSchema,
} from '../../language-server/src/learning/trainerMessages.ts';
import { ask, benchOfFile, countingExamples } from './lib.ts';

type Request = z.infer<typeof trainRequestSchema>;
type Step = Extract<TrainerEvent, { event: 'step' }>;

const { bench, missing } = await benchOfFile();

describe.skipIf(missing)('training', () => {
  let base: Request;
  beforeAll(async () => {
    base = {
      model: await bench.model('llama'),
      data: await bench.data('train.jsonl', countingExamples(40, 24)),
      adapter: { rank: 4, alpha: 8 },
      sequence: 64,
      threads: 1,
      seed: 3,
    };
  });

  async function steps(request: Request): Promise<Step[]> {
    const seen: Step[] = [];
    await ask(bench, trainerCommands.train, request, (event) => {
      if (event.event === 'step') seen.push(event);
    });
    return seen;
  }

  async function floats(path: string): Promise<Float32Array> {
    const bytes = await readFile(path);
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  }

  async function loss(adapter?: string): Promise<number> {
    const stacks = [adapter === undefined ? [] : [{ path: adapter, scale: 1 }]];
    const { model, data } = base;
    const result = await ask(bench, trainerCommands.evaluate, { model, data, sequence: 64, threads: 1, stacks });
    return result.stacks[0]?.loss ?? Number.NaN;
  }

  function norm(values: Iterable<number>): number {
    let sum = 0;
    for (const value of values) sum += value * value;
    return Math.sqrt(sum);
  }

  test('a run whose numbers overflow ends with a sentence, also where the way back chooses tokens by their probability', async () => {
    const model = await bench.model('qwen2', 'q8_0', 'vocabulary');
    const [start, delta] = [bench.path('huge.gguf'), bench.path('overflow.bin')];
    await steps({ ...base, model, output: start, steps: 1 });
    const bytes = await readFile(start);
    bytes.fill(new Uint8Array(new Float32Array([3e38]).buffer), bytes.length - 1024);
    await writeFile(start, bytes);
    const request: Request = { ...base, model, start, delta, steps: 2 };
    await expect(ask(bench, trainerCommands.train, request)).rejects.toThrow('not finite');
    expect(existsSync(delta)).toBe(false);
  });

  test('lowers the loss that evaluate then measures, and says so in the card', async () => {
    const output = bench.path('learnt.gguf');
    const before = await loss();
    const result = await ask(bench, trainerCommands.train, {
      ...base,
      output,
      epochs: 6,
      learningRate: 0.02,
      modelSha256: 'ab12',
    });
    expect(result.stopped).toBe('steps');
    expect(await loss(output)).toBeLessThan(before * 0.8);
    const text = (await readFile(output)).toString('latin1');
    expect(text).toContain('argot.base.sha256');
    expect(text).toContain('"examples":40');
  });

  test('a delta in mode b holds the values of B alone', async () => {
    const delta = bench.path('delta.bin');
    await steps({ ...base, delta, mode: 'b', steps: 3 });
    const values = await floats(delta);
    // Layers × rank × the outputs of q, k, v, o, gate, up, down.
    expect(values.length).toBe(2 * 4 * (64 + 32 + 32 + 64 + 96 + 96 + 64));
    expect(norm(values)).toBeGreaterThan(0);
  });

  test('another order takes other examples, from the same A', async () => {
    const first = async (orderSeed: number) => {
      const output = bench.path(`order-${orderSeed}.gguf`);
      const request: Request = { ...base, mode: 'b', output, packsPerStep: 1, sequence: 24, steps: 1, learningRate: 0 };
      const [step] = await steps({ ...request, orderSeed });
      return { norm: step?.gradientNorm, bytes: await readFile(output) };
    };
    const [one, same, other] = [await first(1), await first(1), await first(2)];
    expect(same.norm).toBe(one.norm);
    expect(other.norm).not.toBe(one.norm);
    // Nothing was learnt: what is left is A as seeded, and B of zeros.
    expect(other.bytes.subarray(-4096)).toEqual(one.bytes.subarray(-4096));
    expect(other.bytes.length).toBe(one.bytes.length);
  });

  test('an imported delta is the adapter that it was exported from', async () => {
    const output = bench.path('whole.gguf');
    const delta = bench.path('whole.bin');
    await steps({ ...base, output, delta, mode: 'b', steps: 4 });
    const common = { model: base.model, mode: 'b', seed: 3, threads: 1, adapter: { rank: 4, alpha: 8 } } as const;
    const exported = bench.path('exported.bin');
    await ask(bench, trainerCommands.delta, { ...common, trained: output, output: exported });
    expect(await readFile(exported)).toEqual(await readFile(delta));
    const imported = bench.path('imported.gguf');
    await ask(bench, trainerCommands.delta, { ...common, delta, output: imported });
    expect(await loss(imported)).toBe(await loss(output));
  });

  test('the seeded A has the same bits on every platform', async () => {
    const output = bench.path('seeded.gguf');
    const zero = bench.path('zero.bin');
    await writeFile(zero, new Uint8Array(4 * 2 * 4 * 64));
    const shape = { rank: 4, alpha: 8, targets: ['q' as const] };
    await ask(bench, trainerCommands.delta, {
      model: base.model,
      delta: zero,
      output,
      mode: 'b',
      seed: 7,
      adapter: shape,
    });
    const bytes = await readFile(output);
    const first = bytes.subarray(bytes.length - 2 * (4 * 64 + 4 * 64) * 4);
    const got = Array.from({ length: 8 }, (_, i) => first.readFloatLE(4 * i));
    // As adapter.h says it, written a second time: k = word >> 8, (2k + 1 - 2²⁴) · 2⁻²⁴ · float(1/√64).
    const words = [...philox(7, 0, 0), ...philox(7, 0, 1)];
    expect(got).toEqual(words.map((word) => ((2 * (word >>> 8) + 1 - 2 ** 24) / 2 ** 24) * 0.125));
  });

  test('checkpoint, kill -9 and resume give the bits of a run that nobody disturbed', async () => {
    const calm = bench.path('calm.gguf');
    const plan: Request = {
      ...base,
      validation: base.data,
      evaluateEverySteps: 5,
      epochs: 20,
      dropout: 0.1,
      learningRate: 0.01,
    };
    await steps({ ...plan, output: calm });

    const output = bench.path('killed.gguf');
    const checkpoint = bench.path('killed.ckpt');
    const disturbed: Request = { ...plan, output, checkpoint, checkpointEverySteps: 3 };
    let run: TrainerRun<z.infer<typeof trainResultSchema>> | undefined;
    run = startTrainer(bench.host, trainerCommands.train, disturbed, new AbortController().signal, (event) => {
      if (event.event === 'step' && event.step === 17 && run?.pid !== undefined) process.kill(run.pid, 'SIGKILL');
    });
    const outcome = await run.outcome;
    expect(outcome).toMatchObject({ ok: false, problem: 'crashed' });
    let resumedAt = 0;
    await ask(bench, trainerCommands.train, { ...disturbed, resume: true }, (event) => {
      if (event.event === 'ready') resumedAt = event.resumedAt;
    });
    expect(resumedAt).toBeGreaterThanOrEqual(15);
    expect(await readFile(output)).toEqual(await readFile(calm));
  });

  test('a checkpoint of other data is refused, and so is a damaged one', async () => {
    const checkpoint = bench.path('other.ckpt');
    const request: Request = {
      ...base,
      output: bench.path('other.gguf'),
      checkpoint,
      checkpointEverySteps: 2,
      epochs: 1000,
    };
    const stop = new AbortController();
    await startTrainer(bench.host, trainerCommands.train, request, stop.signal, (event) => {
      if (event.event === 'checkpoint') stop.abort();
    }).outcome;
    const bytes = await readFile(checkpoint);
    const data = await bench.data('changed.jsonl', countingExamples(39, 24));
    await expect(ask(bench, trainerCommands.train, { ...request, data, resume: true })).rejects.toThrow(
      /checkpointInvalid.*other settings or data/,
    );
    bytes[200] = (bytes[200] ?? 0) ^ 1;
    await writeFile(checkpoint, bytes);
    await expect(ask(bench, trainerCommands.train, { ...request, resume: true })).rejects.toThrow(
      /checkpointInvalid.*damaged/,
    );
  });

  test('cancels within a second and leaves no output', async () => {
    const output = bench.path('cancelled.gguf');
    const stop = new AbortController();
    let asked = 0;
    const run = startTrainer(
      bench.host,
      trainerCommands.train,
      { ...base, output, epochs: 100000 },
      stop.signal,
      (event) => {
        if (event.event !== 'step' || event.step !== 2) return;
        asked = performance.now();
        stop.abort();
      },
    );
    expect(await run.outcome).toMatchObject({ ok: false, problem: 'cancelled' });
    expect(performance.now() - asked).toBeLessThan(1000);
    await expect(stat(output)).rejects.toThrow('ENOENT');
  });

  test('pauses and goes on, and tells progress at least once a second', async () => {
    const stop = new AbortController();
    const seen: { event: TrainerEvent; at: number }[] = [];
    const request = { ...base, output: bench.path('paused.gguf'), epochs: 100000 };
    const run = startTrainer(bench.host, trainerCommands.train, request, stop.signal, (event) => {
      seen.push({ event, at: performance.now() });
    });
    const stepsSeen = (): number => seen.filter(({ event }) => event.event === 'step').length;
    while (stepsSeen() < 2) await sleep(10);
    run.pause();
    await sleep(300);
    const paused = stepsSeen();
    await sleep(1200);
    expect(stepsSeen()).toBe(paused);
    const progress = seen.filter(({ event }) => event.event === 'progress');
    expect(progress.at(-1)?.event).toMatchObject({ paused: true });
    run.resume();
    while (stepsSeen() < paused + 2) await sleep(10);
    stop.abort();
    await run.outcome;
    const times = seen.filter(({ event }) => event.event === 'progress').map(({ at }) => at);
    expect(times.length).toBeGreaterThan(1);
    for (const [i, at] of times.slice(1).entries()) expect(at - (times[i] ?? 0)).toBeLessThan(1000);
  });

  test('an example has the same gradient norm alone and packed with others', async () => {
    const examples = countingExamples(4, 15);
    const together = await bench.data('together.jsonl', examples);
    const request: Request = {
      ...base,
      delta: bench.path('norms.bin'),
      reportNorms: true,
      sequence: 60,
      learningRate: 0,
    };
    const [packed] = await steps({ ...request, data: together, steps: 1 });
    expect(packed?.exampleNorms?.length).toBe(4);
    const alone: number[] = [];
    for (const [i, example] of examples.entries()) {
      const data = await bench.data(`alone${i}.jsonl`, [example]);
      const [step] = await steps({ ...request, data, steps: 1 });
      // Alone its loss is a mean over a quarter of the labels.
      alone.push((step?.exampleNorms?.[0] ?? 0) / 4);
    }
    // The order within a pack is shuffled.
    const sorted = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
    for (const [i, value] of sorted(packed?.exampleNorms ?? []).entries())
      expect(value / (sorted(alone)[i] ?? 0)).toBeCloseTo(1, 5);
  });

  test('a private step clips each example, and its noise has the stated deviation', async () => {
    const clip = 0.01;
    const privacy = { clip, noiseMultiplier: 0, expectedBatch: 40, testSeed: 5 };
    const request: Request = { ...base, delta: bench.path('private.bin'), mode: 'b', steps: 1 };
    // Every example is taken, each is clipped to 0.01, so their mean can't be longer.
    const [clean] = await steps({ ...request, privacy });
    expect(clean?.examples).toBe(40);
    expect(clean?.gradientNorm).toBeGreaterThan(0);
    expect(clean?.gradientNorm).toBeLessThanOrEqual(clip * 1.0001);
    // Noise of deviation clip · 50 on each of 3584 coordinates, divided by the expected batch.
    const [noisy] = await steps({ ...request, privacy: { ...privacy, noiseMultiplier: 50 } });
    const expected = (clip * 50 * Math.sqrt(2 * 4 * 448)) / 40;
    expect((noisy?.gradientNorm ?? 0) / expected).toBeCloseTo(1, 1);
    const [again] = await steps({ ...request, privacy: { ...privacy, noiseMultiplier: 50 } });
    expect(again?.gradientNorm).toBe(noisy?.gradientNorm);
    const { testSeed: _, ...secret } = { ...privacy, noiseMultiplier: 50 };
    const [other] = await steps({ ...request, privacy: secret });
    expect(other?.gradientNorm).not.toBe(noisy?.gradientNorm);
  });

  test('a plain step goes the rate times the gradient, clipped or noised as it is', async () => {
    const request: Request = { ...base, mode: 'b', optimiser: 'sgd', learningRate: 2.5, epochs: 1, packsPerStep: 100 };
    const privacy = { clip: 0.01, noiseMultiplier: 3, expectedBatch: 40, testSeed: 5 };
    for (const [name, more] of [
      ['plain', { clip: 0 }],
      ['private', { steps: 1, privacy }],
    ] as const) {
      const delta = bench.path(`sgd-${name}.bin`);
      const [step, ...others] = await steps({ ...request, ...more, delta });
      expect(others).toEqual([]);
      const bytes = await readFile(delta);
      const values = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
      expect(Math.hypot(...values) / (step?.gradientNorm ?? 0)).toBeCloseTo(2.5, 4);
    }
  });

  test('Poisson sampling takes the expected number on average', async () => {
    const privacy = { clip: 1, noiseMultiplier: 1, expectedBatch: 10, testSeed: 1 };
    const seen = await steps({ ...base, delta: bench.path('poisson.bin'), steps: 60, learningRate: 0, privacy });
    const sizes = seen.map((step) => step.examples);
    const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
    // Binomial(40, 1/4): deviation 2.74 a step, 0.35 of the mean of 60.
    expect(Math.abs(mean - 10)).toBeLessThan(1.5);
    expect(new Set(sizes).size).toBeGreaterThan(3);
  });

  test('stops early and keeps the best, not the last', async () => {
    const validation = await bench.data('noise.jsonl', [{ tokens: [5, 90, 17, 44, 3, 88, 61, 29, 70, 12] }]);
    const output = bench.path('early.gguf');
    const request: Request = {
      ...base,
      output,
      validation,
      evaluateEverySteps: 2,
      patience: 2,
      epochs: 500,
      learningRate: 0.05,
    };
    const losses: number[] = [];
    const result = await ask(bench, trainerCommands.train, request, (event) => {
      if (event.event === 'validation') losses.push(event.loss);
    });
    expect(result.stopped).toBe('earlyStopping');
    expect(result.validationLoss).toBeCloseTo(Math.min(...losses), 6);
    const { model } = base;
    const kept = await ask(bench, trainerCommands.evaluate, {
      model,
      data: validation,
      threads: 1,
      stacks: [[{ path: output, scale: 1 }]],
    });
    expect(kept.stacks[0]?.loss).toBeCloseTo(Math.min(...losses), 4);
  });

  test('an example of twice the weight counts twice', async () => {
    const [first, second] = countingExamples(2, 20);
    const request: Request = { ...base, delta: bench.path('weights.bin'), learningRate: 0, steps: 1 };
    const data = await bench.data('weighted.jsonl', [{ ...first, weight: 2 }, second]);
    const [weighted] = await steps({ ...request, data });
    const copied = await bench.data('copied.jsonl', [first, first, second]);
    const [twice] = await steps({ ...request, data: copied });
    expect(weighted?.loss).toBeCloseTo(twice?.loss ?? 0, 5);
    expect(weighted?.gradientNorm).toBeCloseTo(twice?.gradientNorm ?? 0, 5);
  });

  test('only labelled tokens count', async () => {
    const tokens = [4, 8, 15, 16, 23, 42];
    const model = base.model;
    const whole = await bench.data('whole.jsonl', [{ tokens, labels: [[1, 6]] }]);
    const parts = await bench.data('parts.jsonl', [
      { tokens, labels: [[1, 3]] },
      { tokens, labels: [[3, 6]] },
    ]);
    const all = await ask(bench, trainerCommands.evaluate, { model, data: whole, threads: 1 });
    const split = await ask(bench, trainerCommands.evaluate, { model, data: parts, threads: 1 });
    expect(split.stacks[0]?.tokens).toBe(5);
    expect(split.stacks[0]?.loss).toBeCloseTo(all.stacks[0]?.loss ?? 0, 6);
  });

  test('keeps to a memory ceiling by checkpointing, and says what is needed where that is not enough', async () => {
    const roomy = await ask(bench, trainerCommands.info, { model: base.model, sequence: 512 });
    let checkpointing = false;
    const memoryMiB = Math.ceil(roomy.memoryCheckpointingBytes / 2 ** 20);
    expect(memoryMiB * 2 ** 20).toBeLessThan(roomy.memoryBytes);
    const request: Request = { ...base, sequence: 512, steps: 1, output: bench.path('small.gguf') };
    await ask(bench, trainerCommands.train, { ...request, adapter: { rank: 8, alpha: 8 }, memoryMiB }, (event) => {
      if (event.event === 'ready') checkpointing = event.checkpointing;
    });
    expect(checkpointing).toBe(true);
    await expect(ask(bench, trainerCommands.train, { ...request, memoryMiB: 1 })).rejects.toThrow(
      /memoryCeiling.*about \d+ MiB/,
    );
  });
});

/** Philox4x32-10 for a small key, stream and counter. */
function philox(key: number, stream: number, counter: number): readonly number[] {
  const low = (x: bigint): number => Number(x & 0xffffffffn);
  let x = [counter, 0, stream, 0];
  let k0 = key;
  let k1 = 0;
  for (let round = 0; round < 10; round++) {
    const [a = 0, b = 0, c = 0, d = 0] = x;
    const p = 0xd2511f53n * BigInt(a);
    const q = 0xcd9e8d57n * BigInt(c);
    x = [(low(q >> 32n) ^ b ^ k0) >>> 0, low(q), (low(p >> 32n) ^ d ^ k1) >>> 0, low(p)];
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  return x;
}
