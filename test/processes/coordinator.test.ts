import { expect, it } from 'vitest';
import { membershipTopic, readTopic, roundTopic } from '../../protocol/src/federation/board.ts';
import { BoardRefusal } from '../../protocol/src/federation/httpBoard.ts';
import { newSigningKeys } from '../../protocol/src/federation/keys.ts';
import { signedLane } from '../../protocol/src/federation/ring.ts';
import type { Round } from '../../protocol/src/federation/round.ts';
import { signMessage } from '../../protocol/src/federation/signedMessage.ts';
import { foundFederation, startCoordinator } from '../lib/coordinator.ts';
import { expectedSum, joinFederation, type SimulatedMember, smallRound } from '../lib/simulatedMember.ts';
import { until } from './setup.ts';

const { signal } = new AbortController();

/** The published sum is the sum of what these members sent, to the last level. */
async function expectPublished(member: SimulatedMember, round: Round, uploaded: readonly SimulatedMember[]) {
  const result = await until('the result', () => member.result(round));
  const expected = expectedSum(uploaded, round);
  expect(result.sum.weight).toBe(expected.weight);
  expect(Array.from(result.sum.lanes, (_, i) => signedLane(result.sum, i))).toEqual(expected.levels);
  return result;
}

async function newRound(member: SimulatedMember): Promise<Round> {
  const round = await member.newestRound();
  if (round === undefined) throw new Error('There is no round.');
  return round;
}

it('carries rounds through kill -9 at every phase boundary, a drop, a late member and a vote', async () => {
  await using coordinator = await startCoordinator();
  const federation = await foundFederation(coordinator);
  const again = async () => {
    await coordinator.kill();
    await coordinator.start();
  };
  const members: SimulatedMember[] = [];
  for (const name of ['ada', 'ben', 'cleo', 'dan']) members.push(await joinFederation(federation, name));
  const [ada, ben, cleo, dan] = members as [SimulatedMember, SimulatedMember, SimulatedMember, SimulatedMember];
  await again();
  await federation.command({ do: 'start', settings: smallRound(5000) });
  await again();
  const round = await newRound(ada);
  expect(round.cohort.length).toBe(4);
  await ada.upload(round);
  await again();
  for (const member of [ben, cleo, dan]) await member.upload(round);
  // All have uploaded, so that the survivors are named at once.
  await until(
    'the survivors',
    async () => (await federation.board.list(roundTopic(round.id, 'survivors'), signal)).length > 0,
  );
  await again();
  expect(await ada.serve(round)).toEqual([{ kind: 'released' }]);
  await again();
  for (const member of [ben, cleo]) expect(await member.serve(round)).toEqual([{ kind: 'released' }]);
  const { id } = await expectPublished(dan, round, members);
  await again();
  expect((await federation.board.list(roundTopic(round.id, 'outcome'), signal)).length).toBe(1);
  // One round later: a newcomer, one who stays away, and a majority against what it gives.
  for (const member of members) await member.vote(round, id, true);
  const eve = await joinFederation(federation, 'eve');
  await federation.command({ do: 'start', settings: smallRound(5000, { durationMs: 1500 }) });
  const second = await newRound(eve);
  expect(second.plan.parent).toEqual(id);
  expect(second.cohort.length).toBe(5);
  const present = [ada, ben, cleo, eve];
  for (const member of present) await member.upload(second);
  await until(
    'the survivors',
    async () => (await federation.board.list(roundTopic(second.id, 'survivors'), signal)).length > 0,
  );
  await expect(dan.upload(second)).rejects.toMatchObject({ refusal: 'late' });
  for (const member of present) await member.serve(second);
  const result = await expectPublished(eve, second, present);
  for (const [i, member] of present.entries()) await member.vote(second, result.id, i === 0);
  await expect(ada.vote(second, result.id, false)).rejects.toMatchObject({ refusal: 'alreadyVoted' });
  await again();
  await federation.command({ do: 'start', settings: smallRound(5000) });
  expect((await newRound(ada)).plan.parent).toEqual(id);
  await federation.command({ do: 'stop' });
  expect((await federation.board.state(signal)).round).toMatchObject({ phase: 'failed', reason: 'stopped' });
});

it('refuses strangers, forged requests, old commands and a second payload', async () => {
  await using coordinator = await startCoordinator();
  const federation = await foundFederation(coordinator);
  const members: SimulatedMember[] = [];
  for (const name of ['ada', 'ben', 'cleo']) members.push(await joinFederation(federation, name));
  const stranger = federation.boardFor(newSigningKeys());
  await expect(stranger.list('membership', signal)).rejects.toMatchObject({ status: 403, refusal: 'notAMember' });
  await expect(stranger.state(signal)).rejects.toMatchObject({ refusal: 'notAMember' });
  const roster = signMessage(
    { type: 'roster', federation: federation.anchors.federation, version: 9, previous: null, members: [] },
    newSigningKeys(),
  );
  await expect(stranger.post(membershipTopic, roster, signal)).rejects.toMatchObject({ status: 409 });
  const unsigned = await fetch(`${coordinator.url}/v1/f/${'0'.repeat(64)}/state`);
  expect(unsigned.status).toBe(401);
  await federation.command({ do: 'start', settings: smallRound(4000) });
  await expect(federation.command({ do: 'start', settings: smallRound(4000) })).rejects.toMatchObject({
    refusal: 'roundOpen',
  });
  const [old] = await readTopic(federation.board, 'commands', signal);
  await expect(federation.board.post('commands', old!, signal)).rejects.toMatchObject({ refusal: 'staleCommand' });
  const round = await newRound(members[0]!);
  const blobs = roundTopic(round.id, 'blobs');
  await expect(stranger.post(blobs, new Uint8Array(5004), signal)).rejects.toMatchObject({ status: 403 });
  await expect(federation.board.post(blobs, new Uint8Array(5004), signal)).rejects.toMatchObject({ status: 403 });
  for (const member of members) await member.upload(round);
  expect(
    (await fetch(`${coordinator.url}/metrics`).then((response) => response.text())).match(
      /argot_refusals_total\{.*"late"/,
    ),
  ).toBeNull();
});

it('sets a member’s clock right where it is hours off', async () => {
  await using coordinator = await startCoordinator();
  const federation = await foundFederation(coordinator);
  const members: SimulatedMember[] = [];
  for (const [i, name] of ['ada', 'ben', 'cleo'].entries()) {
    members.push(await joinFederation(federation, name, { nowMs: () => Date.now() + (i - 1) * 7 * 3_600_000 }));
  }
  await federation.command({ do: 'start', settings: smallRound(1000) });
  const round = await newRound(members[0]!);
  for (const member of members) await member.upload(round);
  await until(
    'the survivors',
    async () => (await federation.board.list(roundTopic(round.id, 'survivors'), signal)).length > 0,
  );
  for (const member of members) {
    await member.serve(round).catch((error: unknown) => {
      // Two of three releases are enough: the coordinator may have published before the third comes.
      if (!(error instanceof BoardRefusal && error.refusal === 'roundOver')) throw error;
    });
  }
  await expectPublished(members[2]!, round, members);
});
