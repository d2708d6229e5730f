import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { featureNames } from '../context/askFeatures.ts';
import { shippedAskModel } from '../context/askModel.ts';
import { createAskMemory } from './askMemory.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argot-ask-'));
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true, force: true });
});

const features = featureNames.map(() => 0.5);
const open = () =>
  createAskMemory(join(folder, 'ask.json'), (message) => {
    throw new Error(message);
  });
const constant = (memory: ReturnType<typeof open>) => memory.model().weights.at(-1) ?? 0;
const shipped = shippedAskModel.weights.at(-1) ?? 0;

test('a taken name that only the chunks had speaks for them; taking something else speaks against', () => {
  const [helped, idle] = [open(), open()];
  for (const memory of [helped, idle]) {
    memory.suggested({ itemId: 'one', features, asked: true, novelNames: new Set(['readHeader']) });
  }
  helped.taken('one', 'readHeader(stream)');
  idle.taken('one', 'stream.read()');
  idle.taken('one', 'stream.read()');
  expect(constant(helped)).toBeGreaterThan(shipped);
  expect(constant(idle)).toBeLessThan(shipped);
});

test('what was learned outlives a restart', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  const memory = open();
  memory.suggested({ itemId: 'one', features, asked: true, novelNames: new Set() });
  memory.taken('one', 'something');
  vi.advanceTimersByTime(20_000);
  vi.useRealTimers();
  await expect.poll(() => readFile(join(folder, 'ask.json'), 'utf8').catch(() => '')).toContain('weights');
  expect(constant(open())).toBe(constant(memory));
});

test('a damaged file, or one of other features, means the shipped weights', async () => {
  for (const text of ['{', '{"features":["other"],"weights":[1]}']) {
    await writeFile(join(folder, 'ask.json'), text);
    expect(constant(open())).toBe(shipped);
  }
});
