import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Basis, expandUpdate, reduceUpdate } from '#protocol/federation/basis.ts';
import { simulatedBasis } from '#protocol/federation/simulatedBasis.ts';
import { simulatedPlan, simulatedRound, simulatedTeam } from '#protocol/federation/simulatedTeam.ts';
import { expectedMeanNorm } from './forecast.ts';
import type { LocalTrainer } from './localTrainer.ts';
import { weighRound } from './roundForecast.ts';

const { signal } = new AbortController();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argot-forecast-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const members = 4;
const team = simulatedTeam(members);
const basis = simulatedBasis({ rank: 8, directions: 2, outputs: [40, 60] }, 1);
const whole = 800;
const memberVariance = 400;

/** Weighs a round with updates of `length` numbers; gives the adapters that it tried. */
async function tried(length: number, by: Basis | undefined, update: Float32Array, start?: Float32Array) {
  const plan = simulatedPlan(team, length, {
    privacy: { mechanism: 'client', memberVariance, delta: 1e-5 },
    maxWeight: 1,
    quantiser: { bits: 10, segments: [{ length, range: 1 }] },
  });
  const totals: Float32Array[] = [];
  const trainer: LocalTrainer = {
    baseSha256: '',
    updateLength: () => whole,
    train: async () => ({ ok: false, problem: 'trainerFailed', message: 'Nothing to train.' }),
    async materialise(_adapter, delta) {
      totals.push(delta);
      return { ok: true, value: undefined };
    },
    heldOutLosses: async (adapters) => ({ ok: true, value: adapters.map(() => ({ perToken: 1, examples: [1] })) }),
    choiceLosses: async () => ({ ok: true, value: [] }),
  };
  const before = start === undefined ? undefined : { total: start, file: 'start.gguf' };
  const own = { round: simulatedRound(team, plan), basis: by, update };
  const forecast = await weighRound({ trainer, folder }, own, before, join(folder, 'work'), signal);
  expect(forecast?.takesPart).toBe(false);
  return totals;
}

const numbers = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(i + 1) * 1e6);
const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
const minus = (a: Float32Array, b: Float32Array) => a.map((value, i) => value - (b[i] ?? Number.NaN));
const got = (outcome: ReturnType<typeof expandUpdate>) => (outcome.ok ? outcome.value : new Float32Array(0));

/** Of what all members' noise leaves in a coordinate of the mean. */
const deviation = Math.sqrt(memberVariance / members) / 511;

it('tries an own update as long as the mean is likely to be, alone and with noise of both signs', async () => {
  const [clean, ...noisy] = await tried(whole, undefined, numbers(whole));
  if (clean === undefined) throw new Error('Nothing was tried.');
  expect(norm(clean)).toBeCloseTo(expectedMeanNorm(members, 'first', 'whole'), 5);
  const [plus, minusNoise] = noisy.map((each) => minus(each, clean));
  expect(norm(plus ?? clean) / (deviation * Math.sqrt(whole))).toBeGreaterThan(0.8);
  expect(norm(plus ?? clean) / (deviation * Math.sqrt(whole))).toBeLessThan(1.2);
  expect(norm(minusNoise ?? clean)).toBeCloseTo(norm(plus ?? clean), 4);
});

it('where the round has a basis, tries what coefficients and their noise expand to, upon the team’s adapter', async () => {
  const start = Float32Array.from({ length: whole }, (_, i) => Math.cos(i));
  const update = numbers(32);
  const [clean, ...noisy] = await tried(32, basis, update, start);
  if (clean === undefined) throw new Error('Nothing was tried.');
  const length = expectedMeanNorm(members, 'later', 'reduced');
  const expected = got(
    expandUpdate(
      update.map((value) => (value / norm(update)) * length),
      basis,
    ),
  );
  for (const [i, value] of clean.entries()) expect(value - start[i]!).toBeCloseTo(expected[i]!, 5);
  for (const each of noisy) {
    const noise = minus(each, clean);
    expect(norm(noise) / (deviation * Math.sqrt(32))).toBeGreaterThan(0.5);
    expect(norm(noise) / (deviation * Math.sqrt(32))).toBeLessThan(1.6);
    // Along the basis alone.
    const along = got(expandUpdate(got(reduceUpdate(noise, basis)), basis));
    expect(norm(minus(noise, along))).toBeLessThan(1e-5);
  }
});
