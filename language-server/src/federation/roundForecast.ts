import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Basis, expandUpdate } from '#protocol/federation/basis.ts';
import { euclideanNorm, meanOf } from '#protocol/federation/quantiser.ts';
import { accept, refusalText } from '#protocol/federation/refusal.ts';
import { zeroVector } from '#protocol/federation/ring.ts';
import { quantiserOf, type Round } from '#protocol/federation/round.ts';
import { addSkellamNoise } from '#protocol/federation/skellam.ts';
import { writeAtomically } from '../engine/disk.ts';
import { compareForecast, expectedMeanNorm, type Forecast, forecastRound } from './forecast.ts';
import type { MemberContext } from './member.ts';
import { epsilonOf } from './planCheck.ts';

/** Each draw of noise is tried with both signs, so that luck along the loss's gradient cancels and what noise costs is left. */
const pairsOfDraws = 1;

const keptSchema = z.object({ round: z.number(), netPercent: z.number() });

/** What a member would send, and what it stands for. */
export interface OwnUpdate {
  readonly round: Round;
  /** By which `update` was reduced, where it was. */
  readonly basis: Basis | undefined;
  /** As long as what the round sums. */
  readonly update: Float32Array;
}

/**
 * Weighs a client-level round on this member's held-out code, before anything is spent: its own update, as long as the mean is
 * likely to be, with and without noise of the mean's deviation, expanded where the round has a basis. Undefined for other
 * rounds, and where there is nothing to measure on. `work` is a folder of the round's own.
 */
export async function weighRound(
  context: Pick<MemberContext, 'trainer' | 'folder'>,
  { round, basis, update }: OwnUpdate,
  start: { readonly total: Float32Array; readonly file: string } | undefined,
  work: string,
  signal: AbortSignal,
): Promise<Forecast | undefined> {
  const { plan } = round;
  const { trainer } = context;
  if (plan.privacy.mechanism !== 'client') return undefined;
  const members = plan.cohort.length;
  const sent = basis === undefined ? 'whole' : 'reduced';
  const meanNorm = expectedMeanNorm(members, start === undefined ? 'first' : 'later', sent);
  const own = shortened(update, plan.clipNorm * meanNorm);
  const candidates = [own];
  for (let i = 0; i < pairsOfDraws; i++) {
    const noise = noiseOfMean(round, plan.privacy.memberVariance);
    candidates.push(
      sum(own, noise),
      own.map((value, at) => value - (noise[at] ?? 0)),
    );
  }
  await mkdir(work, { recursive: true, mode: 0o700 });
  const files: string[] = [];
  for (const [i, candidate] of candidates.entries()) {
    const file = join(work, `forecast-${i}.gguf`);
    const whole = basis === undefined ? accept(candidate) : expandUpdate(candidate, basis);
    // What was reduced by a basis is as long as it expands.
    if (!whole.ok) throw new RangeError(refusalText[whole.refusal]);
    const total = start === undefined ? whole.value : sum(start.total, whole.value);
    if (!(await trainer.materialise(plan.adapter, total, file, signal)).ok) return undefined;
    files.push(file);
  }
  const losses = await trainer.heldOutLosses([start?.file, ...files], signal);
  if (!losses.ok) return undefined;
  const [base = [], clean = [], ...noisy] = losses.value.map(({ examples }) => examples);
  const parameters = update.length;
  // A basis has as many numbers for each matrix, whatever its size.
  const valueParameters =
    basis === undefined
      ? trainer.updateLength({ ...plan.adapter, targets: ['v'] })
      : parameters / plan.adapter.targets.length;
  const forecast = forecastRound(
    { base, clean, noisy },
    {
      ...{ mechanism: 'client', members, epsilon: epsilonOf(plan), parameters },
      valueParameters: valueParameters ?? parameters,
    },
  );
  await writeAtomically(keptFile(context), JSON.stringify({ round: plan.round, netPercent: forecast.netPercent }));
  return forecast;
}

/** What was forecast of a round beside what came of it, in words; undefined where nothing was. */
export async function outcomeOf(
  context: Pick<MemberContext, 'folder'>,
  round: number,
  before: number,
  after: number,
): Promise<string | undefined> {
  const text = await readFile(keptFile(context), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const kept = keptSchema.parse(JSON.parse(text));
  return kept.round === round ? compareForecast(kept.netPercent, [before], [after]) : undefined;
}

/** A draw of what all members' noise leaves in the mean, by the very code that makes it. */
function noiseOfMean(round: Round, memberVariance: number): Float32Array {
  const members = round.plan.cohort.length;
  const vector = zeroVector(round.length, round.modulusBits);
  vector.weight = members;
  addSkellamNoise(vector, memberVariance * members, new Uint8Array(randomBytes(32)));
  return meanOf(vector, quantiserOf(round));
}

function shortened(update: Float32Array, length: number): Float32Array {
  const norm = euclideanNorm(update);
  return norm <= length ? update : update.map((value) => (value / norm) * length);
}

function sum(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, i) => value + (b[i] ?? 0));
}

function keptFile({ folder }: Pick<MemberContext, 'folder'>): string {
  return join(folder, 'forecast.json');
}
