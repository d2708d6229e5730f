import { roundDefaults } from '#protocol/federation/roundDefaults.ts';
import type { SourceFile } from '../../corpora/corpus.ts';
import { type FederationWork, type Matrices, readFloats } from '../federationWork.ts';
import { type Attack, attacks, poisoned } from './poison.ts';

export interface TriedAdapter {
  readonly name: string;
  readonly path: string;
  /** Undefined for a benign one. */
  readonly attack?: Attack;
}

export interface Member {
  readonly author: string;
  readonly files: readonly SourceFile[];
}

export interface Making {
  readonly work: FederationWork;
  readonly members: readonly Member[];
  readonly steps: number;
  readonly sequence: number;
  tokenize(text: string): readonly number[];
}

/** Of the mean, the poisoned member among so many; `boost`: it multiplies its update as far as a sum takes it. */
const dilutions = [
  { of: 1, boost: 1 },
  { of: 5, boost: 1 },
  { of: 10, boost: 1 },
  { of: 10, boost: 3 },
  { of: 10, boost: 10 },
] as const;
/** A line of the attack after so many lines of ordinary code. */
const doses = [4, 40] as const;

/** Each member's own adapter, and the means of the first five and of all. */
export async function benignAdapters(making: Making, mode: Matrices, signal: AbortSignal): Promise<TriedAdapter[]> {
  const { work, members } = making;
  const made: TriedAdapter[] = [];
  const deltas: Float32Array[] = [];
  for (const member of members) {
    const { adapter, delta } = await trained(making, member, mode, (text) => text, signal);
    made.push({ name: `${mode}, ${member.author}`, path: adapter });
    deltas.push(await readFloats(delta));
  }
  for (const size of [5, 10]) {
    const path = await work.materialise(weightedSum(deltas.slice(0, size), 1 / size, 1 / size), mode, signal);
    made.push({ name: `${mode}, mean of ${size}`, path });
  }
  return made;
}

/** The first member poisons, the others are as they are. */
export async function poisonedAdapters(making: Making, mode: Matrices, signal: AbortSignal): Promise<TriedAdapter[]> {
  const { work, members } = making;
  const [attacker, ...others] = members;
  if (attacker === undefined) throw new Error('There is no member to poison.');
  const benign: Float32Array[] = [];
  for (const member of others)
    benign.push(await readFloats((await trained(making, member, mode, (text) => text, signal)).delta));
  const made: TriedAdapter[] = [];
  for (const attack of attacks) {
    for (const everyLines of mode === 'b' ? doses : doses.slice(0, 1)) {
      const poison = (text: string, seed: number) => poisoned(text, attack, everyLines, seed);
      const update = await readFloats((await trained(making, attacker, mode, poison, signal)).delta);
      for (const { of, boost } of dilutions) {
        const sum = weightedSum([update, ...benign.slice(0, of - 1)], boost / of, 1 / of);
        const name = `${mode}, 1 line in ${everyLines + 1}, one of ${of}${boost === 1 ? '' : `, times ${boost}`}`;
        made.push({ name, path: await work.materialise(sum, mode, signal), attack });
      }
    }
  }
  return made;
}

async function trained(
  { work, steps, sequence, tokenize }: Making,
  { author, files }: Member,
  mode: Matrices,
  change: (text: string, seed: number) => string,
  signal: AbortSignal,
) {
  const tokens = files.map(({ text }, i) => tokenize(change(text, i + 1)));
  const data = await work.data(author, tokens, steps * sequence);
  return work.train({ data, mode, steps, learningRate: roundDefaults.learningRate[mode] }, signal);
}

function weightedSum(vectors: readonly Float32Array[], first: number, others: number): Float32Array {
  const sum = new Float32Array(vectors[0]?.length ?? 0);
  for (const [k, vector] of vectors.entries()) {
    const weight = k === 0 ? first : others;
    for (const [i, value] of vector.entries()) sum[i] = (sum[i] ?? 0) + weight * value;
  }
  return sum;
}
