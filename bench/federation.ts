// npm run bench -- federation [--json] [--manifest FILE] [--authors A,B,…] [--newcomers C,…] [--steps N] [--rounds N]
//                             [--test-tokens N] [--threads N] [--slice SECONDS]
// Team adapters by the real protocol against base, personal and pooled training of the same tokens. What was done is kept:
// with --slice it stops after that time, says so on stderr, and the same command goes on.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { fittingBits } from '#protocol/federation/sumBound.ts';
import { tokenizerOf } from '../demo/nativeMemberTrainer.ts';
import { readGguf } from '../language-server/src/engine/gguf.ts';
import { updateLengthFor } from '../language-server/src/federation/adapterLength.ts';
import { teamScales } from '../language-server/src/federation/teamVersion.ts';
import { isClearlyBetter, type Losses, totalLoss } from '../language-server/src/learning/gate.ts';
import { findTrainer } from '../language-server/src/learning/trainer.ts';
import { type AdapterUse, trainerTargets } from '../language-server/src/learning/trainerMessages.ts';
import { cacheFolder } from '../scripts/setup/cache.mjs';
import { repository } from '../scripts/setup/repository.mjs';
import { type AuthorCorpus, provideCorpora, type SourceFile } from './corpora/corpus.ts';
import {
  type FederationWork,
  type Matrices,
  openWork,
  readFloats,
  SliceOver,
  type TokenFile,
} from './lib/federationWork.ts';
import { runBenchmark } from './lib/main.ts';
import { playRound } from './lib/simulatedRound.ts';

const rank = 8;
const learningRate = 1e-3;
/** Of members in a round: the mean of what they learn is smoother than each, and shorter. Chosen on `valid`, as the rounds are. */
const roundRates: Readonly<Record<Matrices, number>> = { b: 4e-3, both: 3e-3 };
/** A mean is shorter than what it is made of: half more of it is tried too. */
const meanScales = [1, 1.5] as const;
/** Of what was trained in one piece. */
const wholeScales = [...teamScales, 1.5] as const;
const sequence = 256;
/** How often one piece of training goes through its windows; every round goes through a member's once. */
const passesTried = [1, 2] as const;
/** Of a coordinate on the wire: what the plan's default gives a small team, and what makes both matrices as small as one. */
const [usualBits, fewBits] = [10, 5];
/** Of the train split, its newest part: not trained on, so that it is not one package alone that choices are made by. */
const chosenByShare = 0.2;
/** Of FedIT's, both matrices as fp16: what a round may send. */
const mostBytesShare = 0.35;
const progress = (line: string): void => console.error(line);

interface Author {
  readonly name: string;
  /** Of all packages of the train split but the newest: one package's text is no developer's habit. */
  readonly train: TokenFile;
  /** What is chosen by: of the train split's newest packages, and as much of the validation split, which may be one package. */
  readonly valid: TokenFile;
  readonly test: TokenFile;
  /** Tokens of the test split for each byte, which turns nats a token into bits a byte. */
  readonly tokensPerByte: number;
}

interface Team {
  readonly way: string;
  readonly adapter: string;
  readonly rounds: number;
  readonly bytesPerMemberRound: number;
}

interface JudgedTeam extends Team {
  readonly validNatsPerToken: number;
  /** Of all members' validation windows. */
  readonly losses: Losses;
}

/** How a team adapter comes about. */
interface Way {
  readonly mode: Matrices;
  readonly rounds: number;
  /** Of a coordinate of the sum on the wire. */
  readonly laneBits: number;
}

const windowSchema = z.object({ tokens: z.array(z.number()) });

await runBenchmark(async (signal) => {
  const options = readOptions();
  const model = process.env.ARGOT_MODEL_PATH ?? '';
  const gguf = await readGguf(model, signal);
  const host = findTrainer(repository, process.platform, process.arch);
  if (!gguf.ok || 'missing' in host) throw new Error('missing' in host ? host.missing : 'The model cannot be read.');
  const name = createHash('sha256').update(`${gguf.gguf.sizeBytes} ${learningRate} ${rank} ${sequence}`).digest('hex');
  const folder = join(cacheFolder(), 'federation-bench', name.slice(0, 12));
  const untilMs = Date.now() + options.sliceMs;
  const work = await openWork({
    ...{ host, model, folder, rank, learningRate, sequence, untilMs, progress },
    threads: options.threads,
  });
  const names = [...options.authors, ...options.newcomers];
  const corpora = await provideCorpora({ manifest: options.manifest, authors: names, progress });
  const tokenize = await tokenizerOf(model);
  const authors: Author[] = [];
  for (const corpus of corpora) authors.push(await authorOf(corpus, work, tokenize, options));
  const members = authors.filter((author) => options.authors.includes(author.name));
  const newcomers = authors.filter((author) => options.newcomers.includes(author.name));
  try {
    const adapter = { rank, alpha: 2 * rank, targets: [...trainerTargets], matrices: 'both' as const, seed: 1 };
    const fedItBytes = 2 * (updateLengthFor(gguf.gguf, adapter) ?? 0);
    const report = await measure({ ...options, work, members, newcomers, fedItBytes }, signal);
    if (options.json) console.log(JSON.stringify(report, undefined, 2));
    else {
      console.table(report.rows);
      console.log(JSON.stringify({ ...report, rows: undefined }));
    }
  } catch (error) {
    if (!(error instanceof SliceOver)) throw error;
    progress('The slice of time is used up: run the same command again to go on.');
    process.exitCode = 75;
  }
});

interface Measurement {
  readonly work: FederationWork;
  readonly members: readonly Author[];
  readonly newcomers: readonly Author[];
  readonly fedItBytes: number;
  readonly steps: number;
  readonly rounds: number;
}

type Row = Readonly<Record<string, string | number>>;
type Stack = readonly AdapterUse[];

function use(path: string, scale = 1): AdapterUse {
  return { path, scale };
}

async function measure(given: Measurement, signal: AbortSignal) {
  const { work, members, newcomers, steps } = given;
  const personal = new Map<string, string>();
  for (const author of members) {
    personal.set(author.name, await trainedWell(given, { data: author.train, judges: [author] }, signal));
  }
  const texts = await Promise.all(members.map(({ train }) => windowsIn(train)));
  const pooledData = await work.data('pooled', interleaved(texts), Number.MAX_SAFE_INTEGER);
  const pooled = await trainedWell(given, { data: pooledData, judges: members }, signal);
  const ways: Way[] = [...new Set([1, given.rounds])].flatMap((rounds) => [
    { mode: 'b', rounds, laneBits: usualBits },
    { mode: 'both', rounds, laneBits: usualBits },
    { mode: 'both', rounds, laneBits: fewBits },
  ]);
  const teams: Team[] = [];
  for (const way of ways) teams.push(await trainTeam(given, way, signal));
  const judged: JudgedTeam[] = [];
  for (const team of teams) {
    const losses: number[] = [];
    for (const { valid } of members)
      losses.push(...(await bestStack(work, valid, alone(team.adapter, meanScales), signal)).losses);
    const validNatsPerToken = natsPerToken({ losses });
    judged.push({ ...team, validNatsPerToken, losses });
    progress(
      `${team.way}: ${validNatsPerToken.toFixed(4)} nats a token on validation, ${team.bytesPerMemberRound} bytes`,
    );
  }
  const best = chosenOf(
    judged.filter(({ bytesPerMemberRound }) => bytesPerMemberRound <= mostBytesShare * given.fedItBytes),
  );

  const rows: Row[] = [];
  for (const author of [...members, ...newcomers]) {
    const { valid } = author;
    const stacks: [string, Stack][] = [['base', []]];
    for (const { name, adapter, scales } of [
      { name: 'pooled', adapter: pooled, scales: wholeScales },
      ...teams.map(({ way, adapter }) => ({ name: `team, ${way}`, adapter, scales: meanScales })),
    ]) {
      stacks.push([name, (await bestStack(work, valid, alone(adapter, scales), signal)).stack]);
    }
    const own = personal.get(author.name);
    if (own !== undefined) stacks.push(...(await personalStacks(given, author, own, best.adapter, signal)));
    const found = await work.losses(
      author.test,
      stacks.map(([, stack]) => stack),
      signal,
    );
    const bits = stacks.map(
      ([name], i) => [name, bitsPerByte(natsPerToken({ losses: found[i] ?? [] }), author)] as const,
    );
    progress(`${author.name}: ${JSON.stringify(Object.fromEntries(bits))}`);
    rows.push({ author: author.name, member: own === undefined ? 'no' : 'yes', ...Object.fromEntries(bits) });
  }
  const { bytesPerMemberRound, way } = best;
  return {
    ...summary(rows, `team, ${way}`),
    chosen: way,
    bytesPerMemberRound,
    fedItBytesPerMemberRound: given.fedItBytes,
    ...{ steps, learningRate, roundRates },
    ways: judged.map(({ adapter: _, losses: __, ...each }) => each),
    rows,
  };
}

interface WholeJob {
  readonly data: TokenFile;
  readonly judges: readonly Author[];
  /** What works below it. */
  readonly frozen?: Stack;
}

/** Trained in one piece, as often through the windows as `judges` prefer on their validation splits; the adapter's file. */
async function trainedWell(
  { work }: Measurement,
  { data, judges, frozen }: WholeJob,
  signal: AbortSignal,
): Promise<string> {
  const windows = (await windowsIn(data)).length;
  const tried: { readonly adapter: string; readonly loss: number }[] = [];
  for (const passes of passesTried) {
    const job = { data, mode: 'both', steps: passes * windows, ...(frozen === undefined ? {} : { frozen }) } as const;
    const { adapter } = await work.train(job, signal);
    let loss = 0;
    for (const { valid } of judges) {
      const stacks = alone(adapter, wholeScales).map((stack) => [...(frozen ?? []), ...stack]);
      loss += totalLoss((await bestStack(work, valid, stacks, signal)).losses);
    }
    tried.push({ adapter, loss });
  }
  return tried.reduce((best, each) => (each.loss < best.loss ? each : best)).adapter;
}

/** On what nobody is tested on: the one that sends least in all, unless another is clearly better. */
function chosenOf(teams: readonly JudgedTeam[]): JudgedTeam {
  const [cheapest, ...others] = teams.toSorted((a, b) => bytesInAll(a) - bytesInAll(b));
  if (cheapest === undefined) throw new Error('No way sends little enough.');
  return others.reduce(
    (best, each) => (isClearlyBetter(best.losses, each.losses, others.length) ? each : best),
    cheapest,
  );
}

function bytesInAll({ bytesPerMemberRound, rounds }: Team): number {
  return bytesPerMemberRound * rounds;
}

function alone(adapter: string, scales: readonly number[]): Stack[] {
  return scales.map((scale) => [use(adapter, scale)]);
}

/** The one with the least loss. */
async function bestStack(work: FederationWork, file: TokenFile, stacks: readonly Stack[], signal: AbortSignal) {
  const losses = await work.losses(file, stacks, signal);
  const [best] = stacks
    .map((stack, i) => ({ stack, losses: losses[i] ?? [] }))
    .sort((a, b) => totalLoss(a.losses) - totalLoss(b.losses));
  if (best === undefined) throw new Error('There is nothing to choose from.');
  return best;
}

/**
 * Scales are chosen on the author's own validation split. As in the product, a personal adapter works with the team's only where both are
 * clearly better there than the team's alone.
 */
async function personalStacks(
  given: Measurement,
  author: Author,
  own: string,
  team: string,
  signal: AbortSignal,
): Promise<[string, Stack][]> {
  const { train, valid } = author;
  const { work } = given;
  const teamAlone = await bestStack(work, valid, alone(team, meanScales), signal);
  const onTop = await trainedWell(given, { data: train, judges: [author], frozen: teamAlone.stack }, signal);
  const pairs = (path: string): Stack[] => teamScales.map((scale) => [...teamAlone.stack, use(path, scale)]);
  const together = async (stacks: readonly Stack[]): Promise<Stack> => {
    const best = await bestStack(work, valid, stacks, signal);
    return isClearlyBetter(teamAlone.losses, best.losses, stacks.length) ? best.stack : teamAlone.stack;
  };
  return [
    ['personal', (await bestStack(work, valid, alone(own, wholeScales), signal)).stack],
    ['team + personal beside', await together(pairs(own))],
    ['team + personal', await together(pairs(onTop))],
  ];
}

/** All rounds of one way: each member trains on all of its windows from the team's adapter; the protocol gives the mean. */
async function trainTeam(
  { work, members, steps }: Measurement,
  { mode, rounds, laneBits }: Way,
  signal: AbortSignal,
): Promise<Team> {
  const learningRate = roundRates[mode];
  const range = steps * learningRate;
  const bits = fittingBits({ bits: 8, laneBits }, members.length, 0);
  let total: Float32Array | undefined;
  let start: string | undefined;
  let bytesPerMemberRound = 0;
  for (let round = 0; round < rounds; round++) {
    const deltas: string[] = [];
    for (const { train: data } of members) {
      const job = { data, mode, steps, learningRate, ...(start === undefined ? {} : { start }) };
      deltas.push((await work.train(job, signal)).delta);
    }
    const updates = await Promise.all(deltas.map(readFloats));
    const mean = await work.kept(
      ['mean', deltas, range, bits],
      async () => (await playRound(updates, range, bits, signal)).mean,
    );
    // Of a round that is played again: the mean is kept, what it took is not.
    if (round === 0) bytesPerMemberRound = (await playRound(updates, range, bits, signal)).bytesPerMember;
    total = total === undefined ? mean : total.map((value, i) => value + (mean[i] ?? 0));
    start = await work.materialise(total, mode, signal);
  }
  const way = `${mode === 'b' ? 'FFA-LoRA' : 'both matrices'}, ${bits} bits, ${rounds} round${rounds === 1 ? '' : 's'}`;
  return { way, adapter: start ?? '', rounds, bytesPerMemberRound };
}

function summary(rows: readonly Row[], team: string) {
  const members = rows.filter(({ member }) => member === 'yes');
  const newcomers = rows.filter(({ member }) => member === 'no');
  const gain = (row: Row, of: string): number => 1 - number(row, of) / number(row, 'base');
  const share = (holds: (row: Row) => boolean): number => members.filter(holds).length / members.length;
  return {
    shareOfPooledGain: mean(members.map((row) => gain(row, team))) / mean(members.map((row) => gain(row, 'pooled'))),
    shareTeamBeatsPersonal: share((row) => number(row, team) < number(row, 'personal')),
    shareTeamPersonalBeatsPersonal: share((row) => number(row, 'team + personal') < number(row, 'personal')),
    shareTeamPersonalNoWorseThanTeam: share((row) => number(row, 'team + personal') <= number(row, team)),
    teamGain: mean(members.map((row) => gain(row, team))),
    newcomerGain: newcomers.length === 0 ? null : mean(newcomers.map((row) => gain(row, team))),
  };
}

async function authorOf(
  corpus: AuthorCorpus,
  work: FederationWork,
  tokenize: (text: string) => readonly number[],
  { steps, testTokens }: { readonly steps: number; readonly testTokens: number },
): Promise<Author> {
  const tokens = (files: readonly SourceFile[]) => files.map(({ text }) => tokenize(text));
  const { author: name } = corpus;
  const bytes = corpus.test.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  const testFiles = tokens(corpus.test);
  // Whole windows only, so that steps and tokens are the same for everybody.
  const windows = fullWindows(tokens(corpus.train));
  const newest = Math.round(windows.length * (1 - chosenByShare));
  const judged = Math.ceil(testTokens / sequence);
  const heldOut = [windows.slice(newest), fullWindows(tokens(corpus.valid))].flatMap((each) => spread(each, judged));
  return {
    name,
    train: await work.data(`${name}-train`, spread(windows.slice(0, newest), steps), Number.MAX_SAFE_INTEGER),
    valid: await work.data(`${name}-valid`, heldOut, Number.MAX_SAFE_INTEGER),
    test: await work.data(`${name}-test`, spread(fullWindows(testFiles), judged), testTokens),
    tokensPerByte: testFiles.reduce((sum, each) => sum + each.length, 0) / bytes,
  };
}

function fullWindows(files: readonly (readonly number[])[]): readonly (readonly number[])[] {
  return files.flatMap((tokens) =>
    Array.from({ length: Math.floor(tokens.length / sequence) }, (_, i) =>
      tokens.slice(i * sequence, (i + 1) * sequence),
    ),
  );
}

/** So many, evenly from first to last: all of an author's packages, not the first one. */
function spread<Item>(items: readonly Item[], count: number): readonly Item[] {
  if (items.length <= count) return items;
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]).filter(
    (item) => item !== undefined,
  );
}

function interleaved<Item>(lists: readonly (readonly Item[])[]): readonly Item[] {
  const longest = Math.max(...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list.slice(i, i + 1))).flat();
}

async function windowsIn({ path }: TokenFile): Promise<readonly (readonly number[])[]> {
  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  return lines.map((line) => windowSchema.parse(JSON.parse(line)).tokens);
}

/** A window's first token is given. */
function natsPerToken({ losses }: { readonly losses: Losses }): number {
  return totalLoss(losses) / losses.length / (sequence - 1);
}

function bitsPerByte(natsPerToken: number, { tokensPerByte }: Author): number {
  return Number(((natsPerToken / Math.LN2) * tokensPerByte).toFixed(4));
}

function number(row: Row, name: string): number {
  const value = row[name];
  return typeof value === 'number' ? value : Number.NaN;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      manifest: { type: 'string' },
      authors: {
        type: 'string',
        default: 'mafintosh,mcollina,dominictarr,vweevers,isaacs,sindresorhus,ljharb,bostock',
      },
      newcomers: { type: 'string', default: 'hapi,substack' },
      steps: { type: 'string', default: '40' },
      rounds: { type: 'string', default: '3' },
      'test-tokens': { type: 'string', default: '4096' },
      threads: { type: 'string', default: '2' },
      slice: { type: 'string' },
    },
  });
  const list = (text: string) => text.split(',').filter((each) => each !== '');
  return {
    json: values.json,
    manifest: values.manifest,
    authors: list(values.authors),
    newcomers: list(values.newcomers),
    steps: Number(values.steps),
    rounds: Number(values.rounds),
    testTokens: Number(values['test-tokens']),
    threads: Number(values.threads),
    sliceMs: values.slice === undefined ? Number.POSITIVE_INFINITY : Number(values.slice) * 1000,
  };
}
