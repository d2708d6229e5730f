import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BulletinBoard, memoryBoard, readChecked, readTopic, roundTopic } from './board.ts';
import { closeUploads, finishRound, gatherReleases, gatherUploads } from './coordinatorRound.ts';
import { acceptRound, type MemberMemory } from './member.ts';
import { sendUpload, serveCommittee } from './memberRound.ts';
import { meanOf, quantise } from './quantiser.ts';
import { accept } from './refusal.ts';
import { checkSum, openResult } from './result.ts';
import { signedLane } from './ring.ts';
import { memberAt, quantiserOf, type Round } from './round.ts';
import {
  keysAt,
  type SimulatedTeam,
  simulatedPlan,
  simulatedRound,
  simulatedTeam,
  volatileMemory,
} from './simulatedTeam.ts';

const { signal } = new AbortController();

interface Played {
  readonly team: SimulatedTeam;
  readonly round: Round;
  readonly board: BulletinBoard;
  readonly memories: readonly MemberMemory[];
  /** Each member's levels and weight, before masking. */
  readonly sent: Map<number, { readonly levels: readonly number[]; readonly weight: number }>;
}

/** A board that lists in any order, and to which everything is posted twice. */
function untidyBoard(order: () => number): BulletinBoard {
  const board = memoryBoard();
  return {
    ...board,
    post: async (topic, bytes, posting) => {
      await board.post(topic, bytes.slice(), posting);
      return board.post(topic, bytes, posting);
    },
    list: async (topic, listing) =>
      [...(await board.list(topic, listing))]
        .map((address) => ({ address, place: order() }))
        .sort((a, b) => a.place - b.place)
        .map(({ address }) => address),
  };
}

function startRound(
  size: number,
  changes: Parameters<typeof simulatedPlan>[2],
  order: () => number,
  length = 37,
): Played {
  const team = simulatedTeam(size);
  const round = simulatedRound(team, simulatedPlan(team, length, changes));
  const memories = round.cohort.map(() => volatileMemory());
  return { team, round, board: untidyBoard(order), memories, sent: new Map() };
}

async function upload(played: Played, index: number): Promise<void> {
  const { team, round, board, memories } = played;
  const [keys, memory] = [keysAt(team, round, index), memories[index]!];
  const self = await acceptRound(round, keys, { minimumCohort: 3 }, memory, signal);
  if (!self.ok) throw new Error(self.refusal);
  const train = async () => {
    const update = Float32Array.from({ length: round.length }, () => (Math.random() - 0.5) / 2);
    const weight = 1 + Math.floor(Math.random() * round.plan.maxWeight);
    const result = quantise(update, weight, quantiserOf(round), new Uint8Array(randomBytes(32)));
    if (!result.ok) return result;
    const { vector } = result.value;
    const levels = Array.from(vector.lanes, (_, i) => signedLane(vector, i));
    played.sent.set(index, { levels, weight });
    return accept(vector);
  };
  const sent = await sendUpload(board, round, self.value, { keys, memory }, train, signal);
  if (!sent.ok) throw new Error(sent.refusal);
}

async function serve({ team, round, board, memories }: Played, index: number) {
  await acceptRound(round, keysAt(team, round, index), { minimumCohort: 3 }, memories[index]!, signal);
  return serveCommittee(board, round, { keys: keysAt(team, round, index), memory: memories[index]! }, signal);
}

/** Members in a random order, of whom the first are missing or late; and how many of the committee stay away. */
const roundsOf = (least: number, most: number) =>
  fc.integer({ min: least, max: most }).chain((size) =>
    fc.record({
      size: fc.constant(size),
      members: fc.shuffledSubarray([...Array(size).keys()], { minLength: size }),
      missing: fc.integer({ min: 0, max: Math.min(Math.floor(size / 3), size - 3) }),
      late: fc.integer({ min: 0, max: 2 }),
      away: fc.integer({
        min: size > 12 ? Math.floor(Math.min(size, 32) / 3) : 0,
        max: Math.floor(Math.min(size, 32) / 3),
      }),
      bits: fc.integer({ min: 2, max: 16 }),
      order: fc.array(fc.nat(), { minLength: 7, maxLength: 7 }),
    }),
  );

describe('a round', () => {
  it.each([
    { least: 3, most: 12, numRuns: 8 },
    { least: 13, most: 32, numRuns: 1 },
    { least: 33, most: 64, numRuns: 1 },
  ])(
    'gives the exact sum of those in time, whoever is missing, late or away, in any order: $least to $most members',
    async ({ least, most, numRuns }) => {
      await fc.assert(
        fc.asyncProperty(roundsOf(least, most), async ({ size, members, missing, late, away, bits, order }) => {
          let turn = 0;
          const next = () => order[turn++ % order.length]! * ((turn % 13) + 1);
          const played = startRound(size, { quantiser: { bits, segments: [{ length: 37, range: 1 }] } }, next);
          const { team, round, board, sent } = played;
          const [gone, inTime] = [members.slice(0, missing), members.slice(missing)];
          for (const index of inTime) await upload(played, index);
          const survivors = await closeUploads(board, round, team.coordinator, signal);
          if (!survivors.ok) throw new Error(survivors.refusal);
          expect(survivors.value.body.dropped).toEqual([...gone].sort((a, b) => a - b));
          for (const index of gone.slice(0, late)) await upload(played, index);

          const committee = members.filter((index) => round.committee.includes(index));
          for (const index of committee.slice(away)) await serve(played, index);
          const sum = await finishRound(board, round, team.coordinator, survivors.value, signal);
          if (!sum.ok) throw new Error(sum.refusal);

          const counted = inTime.map((index) => sent.get(index)!);
          const weight = counted.reduce((total, each) => total + each.weight, 0);
          const levels = Array.from({ length: round.length }, (_, i) =>
            counted.reduce((total, each) => total + each.levels[i]!, 0),
          );
          expect(Array.from(sum.value.lanes, (_, i) => signedLane(sum.value, i))).toEqual(levels);
          expect(sum.value.weight).toBe(weight);
          const scale = ((1 / (2 ** (bits - 1) - 1)) * round.plan.maxWeight) / weight;
          expect(meanOf(sum.value, quantiserOf(round))).toEqual(Float32Array.from(levels, (level) => level * scale));
          await expectPublished(played, survivors.value);
        }),
        { numRuns },
      );
    },
    60_000,
  );

  it('counts nobody twice and everybody once when calls are repeated after a crash', async () => {
    const played = startRound(5, {}, Math.random);
    const { team, round, board } = played;
    for (const index of [0, 1, 2, 3]) await upload(played, index);
    for (const index of [3, 0]) await upload(played, index);
    const first = await closeUploads(board, round, team.coordinator, signal);
    await upload(played, 4);
    const again = await closeUploads(board, round, team.coordinator, signal);
    expect(again).toEqual(first);
    if (!first.ok) throw new Error(first.refusal);
    expect(first.value.body.dropped).toEqual([4]);
    for (const index of [0, 0, 1, 2, 3, 4]) expect(await serve(played, index)).toEqual([{ kind: 'released' }]);
    const releases = await gatherReleases(board, round, first.value, signal);
    expect(releases.refused).toEqual([]);
    const sums = [1, 2].map(() => finishRound(board, round, team.coordinator, first.value, signal));
    const [one, two] = await Promise.all(sums);
    expect(one).toMatchObject({ ok: true });
    expect(two).toEqual(one);
    expect((await readTopic(board, roundTopic(round.id, 'outcome'), signal)).length).toBe(1);
  });

  it('fails closed below the minimum cohort: nothing but the failure is posted, and no release', async () => {
    const played = startRound(6, { minimumCohort: 5 }, Math.random);
    const { team, round, board } = played;
    for (const index of [0, 1, 2, 3]) await upload(played, index);
    expect(await closeUploads(board, round, team.coordinator, signal)).toMatchObject({
      refusal: 'belowMinimumCohort',
    });
    expect((await readTopic(board, roundTopic(round.id, 'outcome'), signal)).length).toBe(1);
    expect(await serve(played, 0)).toEqual([{ kind: 'nothingYet' }]);
  });

  it('fails closed with fewer releases than the threshold', async () => {
    const played = startRound(6, {}, Math.random);
    const { team, round, board } = played;
    for (const { index } of round.cohort) await upload(played, index);
    const survivors = await closeUploads(board, round, team.coordinator, signal);
    if (!survivors.ok) throw new Error(survivors.refusal);
    for (const index of round.committee.slice(0, round.threshold - 1)) await serve(played, index);
    const finish = () => finishRound(board, round, team.coordinator, survivors.value, signal);
    expect(await finish()).toMatchObject({ refusal: 'tooFewReleases' });
    expect(await readTopic(board, roundTopic(round.id, 'outcome'), signal)).toEqual([]);
    await serve(played, round.committee[round.threshold - 1]!);
    expect(await finish()).toMatchObject({ ok: true });
  });

  it('leaves out an upload whose payload is cut, swapped or of another modulus', async () => {
    const played = startRound(6, {}, Math.random);
    const { team, round, board } = played;
    for (const { index } of round.cohort) await upload(played, index);
    const { entries } = await gatherUploads(board, round, signal);
    const spoilt = entries.find(({ member }) => member.index === 2)!;
    const cut: BulletinBoard = {
      ...board,
      read: async (address, reading) => {
        const bytes = await board.read(address, reading);
        return Buffer.compare(address, spoilt.body.payload) === 0 ? bytes?.subarray(4) : bytes;
      },
    };
    expect((await gatherUploads(cut, round, signal)).refused).toMatchObject([{ refusal: 'uploadMissing' }]);
    const survivors = await closeUploads(cut, round, team.coordinator, signal);
    expect(survivors).toMatchObject({ ok: true, value: { body: { dropped: [2] } } });
    expect(memberAt(round, 2).index).toBe(2);
  });

  it('stops where its signal does', async () => {
    const played = startRound(3, {}, Math.random);
    for (const { index } of played.round.cohort) await upload(played, index);
    await expect(
      closeUploads(played.board, played.round, played.team.coordinator, AbortSignal.abort()),
    ).rejects.toThrow();
  });
});

/** A member's checks of what the coordinator published. */
async function expectPublished({ round, board }: Played, survivors: Parameters<typeof openResult>[2]): Promise<void> {
  const [message] = await readTopic(board, roundTopic(round.id, 'outcome'), signal);
  const result = openResult(message!, round, survivors);
  if (!result.ok) throw new Error(result.refusal);
  const blob = await readChecked(board, result.value.body.sum, signal);
  expect(checkSum(blob!, result.value.body, round, survivors.body)).toMatchObject({ ok: true });
}
