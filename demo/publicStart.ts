import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RoundSettings } from '#protocol/federation/messages.ts';
import { refusalText } from '#protocol/federation/refusal.ts';
import { roundStart } from '#protocol/federation/start.ts';
import type { StartFile } from '#protocol/federation/startFile.ts';
import { type GgufFile, readGguf } from '../language-server/src/engine/gguf.ts';
import { matrixLengthsFor } from '../language-server/src/federation/adapterLength.ts';
import { logOdds, type Suspicion, suspicionOf } from '../language-server/src/federation/backdoorScan.ts';
import type { LocalOutcome, TrainingProgress } from '../language-server/src/federation/localTrainer.ts';
import { sha256OfFile } from '../language-server/src/learning/adapterFile.ts';
import { findTrainer } from '../language-server/src/learning/trainer.ts';
import { nativeMemberTrainer, tokenizerOf, windowsOf } from './nativeMemberTrainer.ts';
import { type PublicBasis, type PublicGradients, publicBasis } from './publicBasis.ts';
import { readPublicCode } from './publicCode.ts';

export interface PublicStartOptions {
  /** The repository, for the trainer. */
  readonly root: string;
  readonly model: string;
  readonly folders: readonly string[];
  /** Base, adapter, and how long a window is. */
  readonly settings: Pick<RoundSettings, 'base' | 'adapter' | 'training'>;
  readonly windows: number;
  /** Of the basis; 0 is none, and an adapter of both matrices can have none. */
  readonly directions: number;
  readonly description: string;
  readonly threads: number;
  /** For files on the way. */
  readonly work: string;
  readonly onProgress: (progress: TrainingProgress) => void;
  readonly onGradient: PublicGradients['onGradient'];
}

export interface PublicStart {
  readonly file: StartFile;
  readonly files: number;
  readonly heldOutFiles: number;
  /** On held-out files, nats a token; `rounded` is what members would have. */
  readonly loss: { readonly base: number; readonly trained: number; readonly rounded: number };
  /** Which insecure code it makes likelier than a member's scan allows. */
  readonly suspicion: Suspicion | undefined;
  /** Of the square of the held-out files' gradient, what lies along the basis; undefined where there is none. */
  readonly heldOutShare: number | undefined;
}

/** Of one way through, by the adapter’s matrices: docs/decisions/0006-federation.md. */
const startRates = { b: 2e-3, both: 1e-3 } as const;
/** Of code, seen generously: more text than the tokens need is cut off. */
const charactersPerToken = 5;
const mostHeldOutWindows = 40;
/** For a basis, beside each window that is trained on: its directions want many gradients. */
const windowsOfBasis = 4;

/** Trains an adapter on public code, once through, rounds it as a start, and finds a basis at it. Throws with a sentence where it can't. */
export async function trainPublicStart(options: PublicStartOptions, signal: AbortSignal): Promise<PublicStart> {
  const { root, model, settings, windows, directions, work } = options;
  const { base, adapter, training } = settings;
  const { sequence } = training;
  const learningRate = startRates[adapter.matrices];
  const [trainTokens, heldOutTokens] = [windows * sequence, Math.min(windows, mostHeldOutWindows) * sequence];
  const gguf = await readGguf(model, signal);
  if (!gguf.ok) throw new Error(gguf.message);
  const sha256 = await sha256OfFile(model);
  if (sha256 !== Buffer.from(base).toString('hex')) {
    throw new Error(`${model} is not the base model of the settings: its SHA-256 is ${sha256}.`);
  }
  const lengths = matrixLengthsFor(gguf.gguf, adapter);
  if (lengths === undefined) throw new Error(`${model} lacks a matrix that the settings’ adapter names.`);
  const passes = directions === 0 ? 1 : 1 + windowsOfBasis;
  const characters = { train: passes * trainTokens * charactersPerToken, heldOut: heldOutTokens * charactersPerToken };
  const code = await readPublicCode(options.folders, characters, signal);
  if (code.train.files === 0 || code.heldOut.files === 0) {
    throw new Error(`There is too little code to learn from and to judge by in ${options.folders.join(', ')}.`);
  }
  const texts = { train: code.train.texts, heldOut: code.heldOut.texts };
  const { threads } = options;
  const local = { root, model, threads, ...texts, trainTokens, heldOutTokens };
  const trainer = await nativeMemberTrainer(local, work, signal);
  const job = { adapter, training: { steps: windows, packsPerStep: 1, sequence, learningRate }, maxWeight: 1 };
  const place = { start: undefined, work: join(work, 'training'), order: 1, onProgress: options.onProgress };
  const { update } = taken(await trainer.train({ ...job, ...place, privacy: { mechanism: 'none' } }, signal));
  const rounded = roundStart(update, lengths);
  if (!rounded.ok) throw new Error(refusalText[rounded.refusal]);
  await mkdir(work, { recursive: true });
  const [exact, start] = [join(work, 'exact.gguf'), join(work, 'start.gguf')];
  taken(await trainer.materialise(adapter, update, exact, signal));
  taken(await trainer.materialise(adapter, rounded.value.values, start, signal));
  const losses = taken(await trainer.heldOutLosses([undefined, exact, start], signal));
  const [baseLoss = 0, trained = 0, roundedLoss = 0] = losses.map(({ perToken }) => perToken);
  const [before = [], after = []] = taken(await trainer.choiceLosses([undefined, start], signal)).map(logOdds);
  const suspicion = suspicionOf(before, after);
  const { segments, levels } = rounded.value;
  // A basis takes minutes, and of a suspicious start nobody would use it.
  const isWithout = directions === 0 || suspicion !== undefined;
  const basis = isWithout ? undefined : await basisAt(start, options, gguf.gguf, texts, lengths, signal);
  const own = basis && { directions, ranges: [...basis.rounded.ranges], levels: basis.rounded.levels };
  return {
    file: { base, adapter, description: options.description, segments, levels, basis: own ?? null },
    files: code.train.files,
    heldOutFiles: code.heldOut.files,
    loss: { base: baseLoss, trained, rounded: roundedLoss },
    suspicion,
    heldOutShare: basis?.heldOutShare,
  };
}

/** From gradients at the start, of windows that it was not trained on as far as there are enough. */
async function basisAt(
  start: string,
  { root, model, settings, windows, directions, threads, work, onGradient }: PublicStartOptions,
  gguf: GgufFile,
  texts: { readonly train: readonly string[]; readonly heldOut: readonly string[] },
  lengths: readonly number[],
  signal: AbortSignal,
): Promise<PublicBasis> {
  const host = findTrainer(root, process.platform, process.arch);
  if ('missing' in host) throw new Error(host.missing);
  const { sequence } = settings.training;
  const tokenize = await tokenizerOf(model);
  const windowsIn = (files: readonly (readonly number[])[], most: number) =>
    windowsOf(files, most * sequence, sequence);
  const train = texts.train.map(tokenize);
  const trainedOn = windowsIn(train, windows);
  const others = windowsIn(train, (1 + windowsOfBasis) * windows).slice(trainedOn.length);
  return publicBasis(
    {
      trainer: { host, model: gguf, modelSha256: Buffer.from(settings.base).toString('hex'), tokenize, threads },
      ...{ settings, start, lengths, directions, work, onGradient },
      windows: {
        train: others.length < windows ? trainedOn : others,
        heldOut: windowsIn(texts.heldOut.map(tokenize), Math.min(windows, mostHeldOutWindows)),
      },
    },
    signal,
  );
}

function taken<Value>(outcome: LocalOutcome<Value>): Value {
  if (!outcome.ok) throw new Error(outcome.message);
  return outcome.value;
}
