import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { expandUpdate, roundBasis } from '#protocol/federation/basis.ts';
import {
  type BulletinBoard,
  membershipTopic,
  memoryBoard,
  roundsTopic,
  startBlobsTopic,
} from '#protocol/federation/board.ts';
import { closeUploads, finishRound } from '#protocol/federation/coordinatorRound.ts';
import { acceptRound } from '#protocol/federation/member.ts';
import { sendUpload, serveCommittee } from '#protocol/federation/memberRound.ts';
import type { Plan } from '#protocol/federation/messages.ts';
import { meanOf, quantise } from '#protocol/federation/quantiser.ts';
import { accept, type Outcome } from '#protocol/federation/refusal.ts';
import { quantiserOf } from '#protocol/federation/round.ts';
import { signMessage } from '#protocol/federation/signedMessage.ts';
import { simulatedBasis } from '#protocol/federation/simulatedBasis.ts';
import {
  keysAt,
  simulatedPlan,
  simulatedRound,
  simulatedTeam,
  volatileMemory,
} from '#protocol/federation/simulatedTeam.ts';
import { roundStart } from '#protocol/federation/start.ts';
import type { StartFile } from '#protocol/federation/startFile.ts';
import { postStart } from '#protocol/federation/startFile.ts';
import { readEnd, readLog } from './federationLog.ts';
import { teamChain } from './teamChain.ts';

const { signal } = new AbortController();
const length = 300;
const team = simulatedTeam(4);
const self = team.members[0]!.signing.publicKey;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argot-chain-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const got = <Value>(outcome: Outcome<Value>): Value => {
  if (!outcome.ok) throw new Error(outcome.refusal);
  return outcome.value;
};

/** A whole round on the board; gives its result's id and its mean. */
async function play(
  board: BulletinBoard,
  number: number,
  parent: Uint8Array | null,
  { length: sent = length, ...changes }: Partial<Plan> & { readonly length?: number } = {},
) {
  const usual = { round: number, parent, base: new Uint8Array(32), clipNorm: 1e6 };
  const plan = simulatedPlan(team, sent, { ...usual, ...changes });
  await board.post(roundsTopic, signMessage(plan, team.coordinator), signal);
  const round = simulatedRound(team, plan);
  const members = round.cohort.map(({ index }) => ({ keys: keysAt(team, round, index), memory: volatileMemory() }));
  for (const member of members) {
    const place = got(await acceptRound(round, member.keys, { minimumCohort: 3 }, member.memory, signal));
    const update = Float32Array.from({ length: sent }, () => Math.random() - 0.5);
    const train = async () =>
      accept(got(quantise(update, plan.maxWeight, quantiserOf(round), new Uint8Array(randomBytes(32)))).vector);
    got(await sendUpload(board, round, place, member, train, signal));
  }
  const survivors = got(await closeUploads(board, round, team.coordinator, signal));
  for (const member of members) await serveCommittee(board, round, member, signal);
  const sum = got(await finishRound(board, round, team.coordinator, survivors, signal));
  const end = await readEnd(board, round, signal);
  if (end.kind !== 'published') throw new Error(end.kind);
  return { id: end.result.id, mean: meanOf(sum, quantiserOf(round)), sum: end.result.body.sum };
}

async function twoRounds() {
  const board = memoryBoard();
  await board.post(membershipTopic, signMessage(team.roster.body, team.lead), signal);
  const first = await play(board, 1, null);
  const second = await play(board, 2, first.id);
  return { board, first, second };
}

it('a newcomer adds up every round from the start, to the same floats as who was there', async () => {
  const { board, first, second } = await twoRounds();
  const log = await readLog(board, team.anchors, undefined, self, signal);
  const there = teamChain(join(folder, 'there'), board);
  expect(got(await there.totalAfter(first.id, log, signal))).toEqual(first.mean);
  const total = got(await there.totalAfter(second.id, log, signal));
  expect(total).toEqual(first.mean.map((value, i) => value + second.mean[i]!));
  expect(got(await teamChain(join(folder, 'new'), board).totalAfter(second.id, log, signal))).toEqual(total);
});

it('a sum that was changed after it was signed, in any round on the way, gives no adapter', async () => {
  const { board, first, second } = await twoRounds();
  const changed: BulletinBoard = {
    ...board,
    async read(address, reading) {
      const bytes = await board.read(address, reading);
      return Buffer.compare(address, first.sum) === 0 ? bytes?.map((byte, i) => (i === 9 ? byte ^ 1 : byte)) : bytes;
    },
  };
  const log = await readLog(changed, team.anchors, undefined, self, signal);
  expect(await teamChain(folder, changed).totalAfter(second.id, log, signal)).toMatchObject({ refusal: 'sumHash' });
  expect(await teamChain(folder, board).totalAfter(new Uint8Array(32), log, signal)).toMatchObject({
    refusal: 'unknownResult',
  });
});

const begin = got(
  roundStart(
    Float32Array.from({ length }, (_, i) => Math.sin(i) / 20),
    [100, 200],
  ),
);
const startFile: StartFile = {
  base: new Uint8Array(32),
  adapter: simulatedPlan(team, length).adapter,
  description: 'packages',
  segments: begin.segments,
  levels: begin.levels,
  basis: null,
};

/** A board with a start of the lead, and a round that names it as its parent. */
async function roundAfterStart(
  changes: Partial<StartFile> = {},
  plan: (start: Uint8Array) => Parameters<typeof play>[3] = () => ({}),
) {
  const board = memoryBoard();
  const { federation } = team.anchors;
  await board.post(membershipTopic, signMessage(team.roster.body, team.lead), signal);
  const start = got(
    await postStart(board, { ...startFile, ...changes }, { federation, sequence: 1 }, team.lead, signal),
  );
  const first = await play(board, 1, start, plan(start));
  const log = await readLog(board, team.anchors, undefined, self, signal);
  return { board, start, first, log, round: got(log.open(log.plans[0]!)) };
}

it('goes on from a start: its values plus the mean, the same floats from the board as from disk', async () => {
  const { board, first, log, round } = await roundAfterStart();
  const chain = teamChain(folder, board);
  expect(got(await chain.totalBefore(round, log, signal))).toEqual(begin.values);
  const total = got(await chain.totalAfter(first.id, log, signal));
  expect(total).toEqual(begin.values.map((value, i) => value + first.mean[i]!));
  // What was verified once needs no board.
  const silent: BulletinBoard = { ...memoryBoard(), read: async () => undefined };
  const again = teamChain(folder, silent);
  expect(got(await again.totalAfter(first.id, log, signal))).toEqual(total);
  expect(got(await again.totalBefore(round, log, signal))).toEqual(begin.values);
});

it.each<[string, Partial<StartFile>]>([
  ['startBase', { base: new Uint8Array(32).fill(1) }],
  ['startAdapter', { adapter: { ...startFile.adapter, seed: 2 } }],
  ['startAdapter', { segments: [{ length: 2, range: 0.01 }], levels: new Uint8Array(2) }],
])('does not go on from a start that is not the plan’s: %s', async (refusal, changes) => {
  const { board, first, log, round } = await roundAfterStart(changes);
  expect(await teamChain(folder, board).totalBefore(round, log, signal)).toMatchObject({ refusal });
  expect(await teamChain(folder, board).totalAfter(first.id, log, signal)).toMatchObject({ refusal });
});

it('does not go on from values that are not the signed ones, nor from a start that nobody signed as the lead', async () => {
  const { board, start, log, round } = await roundAfterStart();
  const [blob] = await board.list(startBlobsTopic(start), signal);
  const changed: BulletinBoard = {
    ...board,
    read: async (address, reading) =>
      Buffer.compare(address, blob!) === 0 ? begin.levels.with(0, 1) : board.read(address, reading),
  };
  expect(await teamChain(folder, changed).totalBefore(round, log, signal)).toMatchObject({ refusal: 'valuesHash' });
  const unsigned = { ...log, starts: [] };
  expect(await teamChain(folder, board).totalBefore(round, unsigned, signal)).toMatchObject({
    refusal: 'unknownResult',
  });
});

const own = got(roundBasis(simulatedBasis({ rank: 2, directions: 4, outputs: [50, 100] }, 1)));
const withBasis: Partial<StartFile> = {
  adapter: { ...startFile.adapter, rank: 2 },
  basis: { directions: 4, ranges: [...own.ranges], levels: own.levels },
};
/** Two matrices, four directions, rank 2. */
const byBasis = (basis: Uint8Array): Parameters<typeof play>[3] => ({
  length: 16,
  adapter: { ...startFile.adapter, rank: 2 },
  basis,
  maxWeight: 1,
  privacy: { mechanism: 'client', memberVariance: 1, delta: 1e-5 },
});

it('adds what a round’s mean expands to, the same floats from the board as from disk, and goes on with whole updates', async () => {
  const { board, start, first } = await roundAfterStart(withBasis, byBasis);
  expect(first.mean.length).toBe(16);
  const second = await play(board, 2, first.id, { adapter: { ...startFile.adapter, rank: 2 } });
  const third = await play(board, 3, second.id, byBasis(start));
  const log = await readLog(board, team.anchors, undefined, self, signal);
  const chain = teamChain(folder, board);
  const round = got(log.open(log.plans[0]!));
  expect(got(await chain.totalBefore(round, log, signal))).toEqual(begin.values);
  expect(got(await chain.basisOf(round, log, signal))).toEqual(own.basis);
  expect(got(await chain.basisOf(got(log.open(log.plans[1]!)), log, signal))).toBeUndefined();
  const sums = [expandUpdate(first.mean, own.basis), accept(second.mean), expandUpdate(third.mean, own.basis)];
  const expected = sums.map(got).reduce((total, mean) => total.map((value, i) => value + mean[i]!), begin.values);
  expect(got(await chain.totalAfter(third.id, log, signal))).toEqual(expected);
  const silent: BulletinBoard = { ...memoryBoard(), read: async () => undefined };
  expect(got(await teamChain(folder, silent).basisOf(round, log, signal))).toEqual(own.basis);
  expect(got(await teamChain(join(folder, 'new'), board).totalAfter(third.id, log, signal))).toEqual(expected);
});

it('goes on by no basis but the signed one of the plan’s start', async () => {
  const { board, first, log, round } = await roundAfterStart(withBasis, byBasis);
  const changed: BulletinBoard = {
    ...board,
    async read(address, reading) {
      const bytes = await board.read(address, reading);
      return bytes !== undefined && Buffer.compare(bytes, own.levels) === 0 ? bytes.with(0, 1) : bytes;
    },
  };
  const chain = teamChain(folder, changed);
  expect(await chain.basisOf(round, log, signal)).toMatchObject({ refusal: 'basisHash' });
  expect(await chain.totalAfter(first.id, log, signal)).toMatchObject({ refusal: 'basisHash' });
  const unsigned = { ...log, starts: [] };
  expect(await chain.basisOf(round, unsigned, signal)).toMatchObject({ refusal: 'basisUnknown' });
  const bare = await roundAfterStart({ adapter: { ...startFile.adapter, rank: 2 } }, byBasis);
  const after = teamChain(folder, bare.board);
  expect(await after.basisOf(bare.round, bare.log, signal)).toMatchObject({ refusal: 'basisMissing' });
  expect(await after.totalBefore(bare.round, bare.log, signal)).toMatchObject({ refusal: 'basisMissing' });
});
