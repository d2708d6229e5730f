import { spawn } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { trainerCommands, trainerProblems } from '../../language-server/src/learning/trainerMessages.ts';
import { ask, benchOfFile, countingExamples, seededRandom } from './lib.ts';

const { bench, missing } = await benchOfFile();

/** The exit codes of native/src/fail.h; anything else is a crash. */
const known = new Set([0, ...trainerProblems.map((_, i) => i + 1)]);

describe.skipIf(missing)('bad input', () => {
  let model: string;
  let data: string;
  beforeAll(async () => {
    model = await bench.model('llama', 'q4_0');
    data = await bench.data('data.jsonl', countingExamples(2, 8));
  });

  /** The raw program: what it wrote and how it ended. */
  function run(input: string | Uint8Array): Promise<{ readonly code: number | null; readonly output: string }> {
    return new Promise((resolve, reject) => {
      const child = spawn(bench.host.program, [], { stdio: ['pipe', 'pipe', 'pipe'] });
      let output = '';
      let complaints = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        complaints += text;
      });
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        // Its end of input would be a cancel: it is closed only once there is an answer.
        if (answered(output)) child.stdin.end();
      });
      child.stdin.on('error', () => {});
      child.on('error', reject);
      child.on('close', (code) => {
        // Also under a sanitiser, whose report takes the place of an answer.
        if (!answered(output)) reject(new Error(`no answer, exit code ${code}: ${output} ${complaints}`));
        else resolve({ code, output });
      });
      child.stdin.write(input);
    });
  }
  const request = (fields: object): string => `${JSON.stringify({ libraries: bench.host.libraries, ...fields })}\n`;

  async function refusal(fields: object): Promise<string> {
    const { code, output } = await run(request(fields));
    expect(code).not.toBe(0);
    expect(known).toContain(code);
    const last = output.trim().split('\n').at(-1) ?? '';
    const { problem, message } = z.object({ problem: z.string(), message: z.string() }).parse(JSON.parse(last));
    return `${problem}: ${message}`;
  }

  const requests: readonly (readonly [string, object, RegExp])[] = [
    ['an unknown command', { command: 'fly' }, /badRequest.*must be info/],
    ['a setting that nobody knows', { command: 'info', spreed: 1 }, /badRequest.*spreed.*not known/],
    ['a setting of the wrong type', { command: 'info', threads: 'two' }, /badRequest.*threads.*number from 1 to 256/],
    ['a fraction of a thread', { command: 'info', threads: 1.5 }, /badRequest.*whole number/],
    ['a target that is none', { command: 'info', adapter: { targets: ['w'] } }, /badRequest.*w is none of q, k, v/],
    ['a folder without libraries', { command: 'info', libraries: '/' }, /libraries.*ggml-base/],
    ['a model that is not there', { command: 'info', model: '/nowhere.gguf' }, /modelNotReadable.*nowhere/],
    ['a model that is a folder', { command: 'info', model: '/' }, /modelNotReadable/],
    [
      'an adapter that is not there',
      { command: 'evaluate', stacks: [[{ path: '/nowhere.gguf' }]] },
      /modelNotReadable.*nowhere/,
    ],
    [
      'a model as an adapter',
      { command: 'evaluate', stacks: [[{ path: 'MODEL' }]] },
      /adapterInvalid.*no LoRA adapter/,
    ],
    ['data that are not there', { command: 'evaluate', data: '/nowhere.jsonl' }, /dataInvalid.*nowhere/],
    ['no place for the result', { command: 'train' }, /badRequest.*output/],
    [
      'a place that can not be written',
      { command: 'train', output: '/nowhere/out.gguf', epochs: 9999 },
      /fileNotWritable.*nowhere/,
    ],
    ['training A alone from zero', { command: 'train', mode: 'a', output: 'x' }, /badRequest.*start/],
  ];
  for (const [name, fields, expected] of requests) {
    test(`refuses ${name}`, async () => {
      const filled = JSON.parse(JSON.stringify(fields).replaceAll('"MODEL"', JSON.stringify(model))) as object;
      const needsData = !('command' in fields && fields.command === 'info');
      expect(await refusal({ model, ...(needsData ? { data } : {}), ...filled })).toMatch(expected);
    });
  }

  const lines: readonly (readonly [string, string, RegExp])[] = [
    ['text', 'hello', /line 2: not JSON/],
    ['a list', '[1]', /line 2: an example must be an object/],
    ['no tokens', '{"tokens":[]}', /line 2: an example needs at least two tokens/],
    ['a token outside the vocabulary', '{"tokens":[1,101]}', /line 2: a token must be.*to 100/],
    ['a fraction', '{"tokens":[1,1.5]}', /line 2: a token must be/],
    ['a negative token', '{"tokens":[1,-1]}', /line 2: a token must be/],
    ['too many tokens', JSON.stringify({ tokens: Array(600).fill(1) }), /line 2: the example has 600 tokens/],
    ['a label before the first token', '{"tokens":[1,2],"labels":[[0,1]]}', /line 2: a label's range/],
    ['a label beyond the end', '{"tokens":[1,2],"labels":[[1,3]]}', /line 2: a label's end/],
    ['a negative weight', '{"tokens":[1,2],"weight":-1}', /line 2: a weight/],
    ['an unknown member', '{"tokens":[1,2],"labls":[]}', /line 2: “labls” is not known/],
  ];
  for (const [name, line, expected] of lines) {
    test(`refuses an example with ${name}`, async () => {
      const file = bench.path('bad.jsonl');
      await writeFile(file, `{"tokens":[1,2,3]}\n${line}\n`);
      expect(await refusal({ command: 'evaluate', model, data: file })).toMatch(expected);
    });
  }

  test('refuses an architecture, and a type, by its name', async () => {
    const phi = bench.path('phi.gguf');
    const bytes = await readFile(model);
    await writeFile(phi, replaceText(bytes, 'llama', 'phi33'));
    expect(await refusal({ command: 'info', model: phi })).toMatch(/modelUnsupported.*the architecture phi33/);
    const odd = await bench.model('qwen2', 'iq4_nl');
    expect(await refusal({ command: 'info', model: odd })).toMatch(/modelUnsupported.*of type iq4_nl/);
  });

  test('refuses an adapter of another shape, another architecture and another base', async () => {
    const output = bench.path('own.gguf');
    await ask(bench, trainerCommands.train, { model, data, output, steps: 1, threads: 1, modelSha256: 'aaaa' });
    const wide = await bench.model('llama', 'q4_0', 'tiny256');
    const stacks = [[{ path: output, scale: 1 }]];
    expect(await refusal({ command: 'evaluate', model: wide, data, stacks })).toMatch(/adapterMismatch/);
    expect(await refusal({ command: 'evaluate', model: await bench.model('qwen2'), data, stacks })).toMatch(
      /adapterMismatch.*architecture/,
    );
    expect(await refusal({ command: 'evaluate', model, data, stacks, modelSha256: 'bbbb' })).toMatch(
      /adapterMismatch.*another base/,
    );
  });

  test('survives a thousand requests of rubbish', async () => {
    const random = seededRandom(1);
    const good = request({ command: 'info', model, adapter: { rank: 2, targets: ['q'] } });
    await inParallel(1000 / 20, async () => {
      // Twenty rubbish control lines follow one damaged request.
      const damaged = Array.from({ length: 20 }, () =>
        mutate(Buffer.from(good), random, 3).toString('latin1').replaceAll('\n', ' '),
      );
      const { code, output } = await run(`${damaged.join('\n')}\n`);
      expect(known, output).toContain(code);
    });
  }, 60_000);

  test('survives damaged models: a named error or an answer, never a crash', async () => {
    const random = seededRandom(2);
    const bytes = await readFile(model);
    await inParallel(150, async (i) => {
      const file = bench.path(`damaged${i}.gguf`);
      // The header is where lengths and types are; a cut may fall anywhere.
      const damaged =
        i % 5 === 0 ? bytes.subarray(0, Math.floor(random() * bytes.length)) : mutate(bytes, random, 2, 3000);
      await writeFile(file, damaged.length > 0 ? damaged : Buffer.from([0]));
      const { code, output } = await run(request({ command: 'evaluate', model: file, data, threads: 1 }));
      expect(known, output).toContain(code);
    });
  }, 60_000);

  test('survives damaged adapters', async () => {
    const random = seededRandom(3);
    const output = bench.path('sound.gguf');
    await ask(bench, trainerCommands.train, {
      model,
      data,
      output,
      steps: 1,
      threads: 1,
      adapter: { rank: 1, alpha: 1 },
    });
    const bytes = await readFile(output);
    await inParallel(100, async (i) => {
      const file = bench.path(`adapter${i}.gguf`);
      await writeFile(file, mutate(bytes, random, 2, 4000));
      const { code, output: said } = await run(
        request({ command: 'evaluate', model, data, threads: 1, stacks: [[{ path: file, scale: 1 }]] }),
      );
      expect(known, said).toContain(code);
    });
  }, 60_000);

  test('leaves no half-written file behind', async () => {
    expect((await readdir(bench.folder)).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });
});

function answered(output: string): boolean {
  return /"event":"(result|error)"/.test(output);
}

function mutate(bytes: Buffer, random: () => number, changes: number, within = bytes.length): Buffer {
  const copy = Buffer.from(bytes);
  const interesting = [0, 1, 7, 8, 9, 127, 128, 255];
  for (let i = 0; i < changes; i++) {
    const at = Math.floor(random() * Math.min(within, copy.length));
    copy[at] =
      random() < 0.5 ? Math.floor(random() * 256) : (interesting[Math.floor(random() * interesting.length)] ?? 0);
  }
  return copy;
}

function replaceText(bytes: Buffer, from: string, to: string): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1');
}

async function inParallel(count: number, task: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await task(next++);
  };
  await Promise.all([worker(), worker()]);
}
