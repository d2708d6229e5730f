import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getLlama, type Llama, LlamaLogLevel, type LlamaModel, type Token } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type AdapterUse, trainerCommands } from '../../language-server/src/learning/trainerMessages.ts';
import { ask, type Bench, openBench } from './lib.ts';

const opened = await openBench();
if ('missing' in opened) console.warn(opened.missing);
const fixtures = join(dirname(dirname(fileURLToPath(import.meta.url))), 'testdata');

const fixtureSchema = z.object({
  modelSha256: z.string(),
  loss: z.number(),
  examples: z.array(z.looseObject({ tokens: z.array(z.number()) })),
  layout: z.array(z.object({ tensor: z.string(), values: z.number() })),
});

describe.skipIf('missing' in opened)('peers', () => {
  let bench: Bench;
  beforeAll(() => {
    if ('missing' in opened) throw new Error(opened.missing);
    bench = opened;
  });
  afterAll(() => bench[Symbol.asyncDispose]());

  for (const architecture of ['llama', 'qwen2', 'qwen3']) {
    test(`${architecture}: loss and gradients are those of PyTorch with PEFT`, async () => {
      const fixture = fixtureSchema.parse(JSON.parse(await readFile(join(fixtures, `${architecture}.json`), 'utf8')));
      const model = await bench.model(architecture);
      const hash = createHash('sha256')
        .update(await readFile(model))
        .digest('hex');
      expect(hash, 'make_model.cpp changed: remake the fixtures (native/testdata/make_fixtures.py)').toBe(
        fixture.modelSha256,
      );
      const data = await bench.data(`${architecture}.jsonl`, fixture.examples);
      const start = join(fixtures, `${architecture}.adapter.gguf`);
      const request = { model, data, start, tokens: 64, threads: 1, gradient: true, differences: false };
      const result = await ask(bench, trainerCommands.gradcheck, request);
      expect(Math.abs(result.loss / fixture.loss - 1)).toBeLessThan(1e-6);
      const bytes = await readFile(join(fixtures, `${architecture}.gradient.f32`));
      let at = 0;
      for (const { tensor, values } of fixture.layout) {
        let difference = 0;
        let size = 0;
        for (let i = 0; i < values; i++, at++) {
          const theirs = bytes.readFloatLE(4 * at);
          difference += ((result.gradient?.[at] ?? Number.NaN) - theirs) ** 2;
          size += theirs ** 2;
        }
        expect(Math.sqrt(difference / size), tensor).toBeLessThan(1e-5);
      }
      expect(at).toBe(result.gradient?.length);
      // What trains is held to the same double gradient.
      for (const path of result.paths) {
        if (!path.kernels.endsWith('bf16')) expect(path.error, path.kernels).toBeLessThan(1e-4);
      }
    });
  }

  describe('llama.cpp', () => {
    let llama: Llama;
    beforeAll(async () => {
      llama = await getLlama({ gpu: false, build: 'never', logLevel: LlamaLogLevel.error, maxThreads: 1 });
    });
    afterAll(() => llama.dispose());

    const shapes = ['tiny', 'untied', 'yarn', 'linear'];
    for (const architecture of ['llama', 'qwen2', 'qwen3']) {
      for (const shape of architecture === 'llama' ? [...shapes, 'factors'] : shapes) {
        test(`${architecture}, ${shape}: an adapter has the loss there that the trainer states`, async () => {
          const model = await bench.model(architecture, 'f32', shape);
          const tokens = Array.from({ length: 40 }, (_, i) => (i * 7 + 3) % 101);
          const data = await bench.data('tokens.jsonl', [{ tokens }]);
          const path = bench.path(`${architecture}-${shape}-adapter.gguf`);
          const train = { model, data, output: path, steps: 3, learningRate: 0.01, threads: 1 };
          await ask(bench, trainerCommands.train, train);
          const stacks = [[], [{ path, scale: 1 }], [{ path, scale: 0.5 }]];
          const ours = await ask(bench, trainerCommands.evaluate, {
            model,
            data,
            stacks,
            precision: 'float32',
            threads: 1,
          });
          await using loaded = await llama.loadModel({ modelPath: model });
          const losses = [];
          for (const stack of stacks) losses.push(await lossThere(loaded, tokens, stack));
          // The key-value cache there is float16; weights and sums are float32 on both sides.
          for (const [i, { loss }] of ours.stacks.entries()) expect(loss / (losses[i] ?? 0)).toBeCloseTo(1, 3);
          expect(losses[1]).toBeLessThan((losses[0] ?? 0) * 0.95);
        });
      }
    }
  });
});

async function lossThere(model: LlamaModel, tokens: readonly number[], stack: readonly AdapterUse[]): Promise<number> {
  const adapters = stack.map(({ path, scale }) => ({ filePath: path, scale }));
  await using context = await model.createContext({
    contextSize: 64,
    ...(adapters.length > 0 ? { lora: { adapters } } : {}),
  });
  const evaluated = await context
    .getSequence()
    .controlledEvaluate(tokens.map((token) => [token as Token, { generateNext: { probabilities: true } }]));
  let loss = 0;
  for (const [at, token] of tokens.slice(1).entries()) {
    loss -= Math.log(evaluated[at]?.next.probabilities?.get(token as Token) ?? Number.NaN);
  }
  return loss / (tokens.length - 1);
}
