import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RoundedBasis, reduceUpdate, roundBasis } from '#protocol/federation/basis.ts';
import type { RoundSettings } from '#protocol/federation/messages.ts';
import { euclideanNorm } from '#protocol/federation/quantiser.ts';
import { type Outcome, refusalText } from '#protocol/federation/refusal.ts';
import { type NativeTrainerOptions, nativeTrainer } from '../language-server/src/federation/nativeTrainer.ts';
import { basisFrom } from './gradientBasis.ts';
import { linesOf } from './nativeMemberTrainer.ts';

type Windows = readonly (readonly number[])[];

export interface PublicGradients {
  readonly trainer: Pick<NativeTrainerOptions, 'host' | 'model' | 'modelSha256' | 'tokenize' | 'threads'>;
  readonly settings: Pick<RoundSettings, 'adapter' | 'training'>;
  /** The adapter at which they are taken. */
  readonly start: string;
  /** Tokens of each. `train` are best ones that the start has not seen: what it has learnt is not in their gradients any more. */
  readonly windows: { readonly train: Windows; readonly heldOut: Windows };
  /** Of each matrix, B alone. */
  readonly lengths: readonly number[];
  readonly directions: number;
  /** For files on the way. */
  readonly work: string;
  readonly onGradient: (done: number, of: number) => void;
}

export interface PublicBasis {
  readonly rounded: RoundedBasis;
  /** Of the square of the held-out windows' gradient, what lies along it. */
  readonly heldOutShare: number;
}

/** Each of windows that follow each other, so that they differ as members do. */
const mostGroups = 48;
/** Unless there would be fewer gradients than a basis wants: each has `rank` columns. */
const leastOfGroup = 4;

/** Finds a basis on public code, from gradients as members send them. Throws with a sentence where it can't. */
export async function publicBasis(options: PublicGradients, signal: AbortSignal): Promise<PublicBasis> {
  const { settings, windows, lengths, directions, onGradient } = options;
  const { rank } = settings.adapter;
  const wanted = Math.max(windows.train.length / leastOfGroup, directions / rank);
  const groupCount = Math.min(mostGroups, windows.train.length, Math.ceil(wanted));
  const groups = groupsOf(windows.train, groupCount);
  const gradients: Float32Array[] = [];
  for (const group of groups) {
    gradients.push(await gradientOf(options, group, signal));
    onGradient(gradients.length, groups.length + 1);
  }
  const heldOut = await gradientOf(options, windows.heldOut, signal);
  onGradient(groups.length + 1, groups.length + 1);
  const found = basisFrom(gradients, { rank, directions, outputs: lengths.map((length) => length / rank) });
  if (found === undefined) {
    throw new Error(`The code’s gradients lie in fewer than ${directions} directions: give more code, or fewer.`);
  }
  const rounded = taken(roundBasis(found));
  const along = taken(reduceUpdate(heldOut, rounded.basis));
  return { rounded, heldOutShare: (euclideanNorm(along) / euclideanNorm(heldOut)) ** 2 };
}

function groupsOf(windows: Windows, count: number): readonly Windows[] {
  const place = (group: number) => Math.floor((group * windows.length) / count);
  return Array.from({ length: count }, (_, i) => windows.slice(place(i), place(i + 1)));
}

/** As a member's in a client-level round; its length says nothing. */
async function gradientOf(
  { trainer, settings, start, work }: PublicGradients,
  windows: Windows,
  signal: AbortSignal,
): Promise<Float32Array> {
  const folder = join(work, 'gradient');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const paths = { train: join(folder, 'train.jsonl'), heldOut: join(folder, 'held-out.jsonl') };
  const files = async () => {
    await writeFile(paths.train, linesOf(windows));
    return { ...paths, trainTokens: windows.flat().length, heldOutTokens: 0 };
  };
  const job = {
    adapter: settings.adapter,
    training: { ...settings.training, steps: windows.length, packsPerStep: 1 },
    // Only says that it is to be one gradient: the noise is the sum's, and no trainer adds it.
    privacy: { mechanism: 'client', memberVariance: 1, delta: 1e-5 } as const,
    maxWeight: 1,
  };
  const place = { start, work: join(folder, 'training'), order: 1 };
  const outcome = await nativeTrainer({ ...trainer, folder, files }).train({ ...job, ...place }, signal);
  // Or the next one would go on from its checkpoint.
  await rm(folder, { recursive: true, force: true });
  if (!outcome.ok) throw new Error(outcome.message);
  return outcome.value.update;
}

function taken<Value>(outcome: Outcome<Value>): Value {
  if (!outcome.ok) throw new Error(refusalText[outcome.refusal]);
  return outcome.value;
}
