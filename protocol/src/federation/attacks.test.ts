import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newSigningKeys } from './keys.ts';
import { acceptRound, type MemberKeys } from './member.ts';
import type { Plan, Survivors } from './messages.ts';
import { quantise } from './quantiser.ts';
import type { Refusal } from './refusal.ts';
import { answerSurvivors, openRelease } from './release.ts';
import { openResult } from './result.ts';
import { openRound, quantiserOf, type Round } from './round.ts';
import { sha256, signMessage } from './signedMessage.ts';
import {
  keysAt,
  newMemberKeys,
  type SimulatedTeam,
  signedCard,
  simulatedPlan,
  simulatedRound,
  simulatedTeam,
  volatileMemory,
} from './simulatedTeam.ts';
import { openMasks } from './sum.ts';
import { chooseSurvivors, openSurvivors } from './survivors.ts';
import { admitUpload, checkPayload, openUpload, prepareUpload } from './upload.ts';

const { signal } = new AbortController();
const terms = { minimumCohort: 3 };
const team = simulatedTeam(5);
const plan = simulatedPlan(team, 3);
const round = simulatedRound(team, plan);

function open(changed: Partial<Plan>, given: SimulatedTeam = team) {
  return openRound(signMessage({ ...plan, ...changed }, given.coordinator), given.anchors, given.roster);
}

function opened(changed: Partial<Plan>): Round {
  const result = open(changed);
  if (!result.ok) throw new Error(result.refusal);
  return result.value;
}

async function prepared(given: Round, keys: MemberKeys, index: number) {
  const vector = quantise(new Float32Array(3), 1, quantiserOf(given), new Uint8Array(randomBytes(32)));
  if (!vector.ok) throw new Error(vector.refusal);
  const upload = await prepareUpload(given, given.cohort[index]!, keys, vector.value.vector);
  if (!upload.ok) throw new Error(upload.refusal);
  return upload.value;
}

/** A round in which all but the last member have uploaded. */
async function uploaded() {
  const memories = round.cohort.map(() => volatileMemory());
  const messages = new Map<string, Uint8Array>();
  const uploads = [];
  for (const { index } of round.cohort.slice(0, 4)) {
    const upload = await prepared(round, keysAt(team, round, index), index);
    await memories[index]!.claimUpload(round.id, upload, signal);
    const checked = openUpload(upload.message, round);
    if (!checked.ok) throw new Error(checked.refusal);
    uploads.push(checked.value);
    messages.set(String(checked.value.id), upload.message);
  }
  const chosen = chooseSurvivors(round, uploads);
  if (!chosen.ok) throw new Error(chosen.refusal);
  const find = async (id: Uint8Array) => messages.get(String(id));
  const answer = (body: Survivors, index: number, signedBy = team.coordinator) =>
    answerSurvivors(
      signMessage(body, signedBy),
      round,
      { keys: keysAt(team, round, index), memory: memories[index]! },
      find,
      signal,
    );
  return { uploads, messages, survivors: chosen.value, answer };
}

describe('a plan', () => {
  const stranger = newMemberKeys();
  const cardOf = (keys: MemberKeys) => signedCard(team.anchors, keys);
  const withCard = (index: number, card: Uint8Array) => plan.cohort.map((each, i) => (i === index ? card : each));
  const keys = keysAt(team, round, 0);

  it('with a made-up member is refused', () => {
    expect(open({ cohort: withCard(1, cardOf(stranger)) })).toMatchObject({ refusal: 'madeUpMember', members: [1] });
    expect(open({ cohort: [...plan.cohort, cardOf(stranger)] })).toMatchObject({ refusal: 'madeUpMember' });
  });

  it('with a member’s keys swapped is refused', () => {
    const victim = keysAt(team, round, 1);
    const forged = { ...stranger, signing: { ...team.coordinator, publicKey: victim.signing.publicKey } };
    expect(open({ cohort: withCard(1, cardOf(forged)) })).toMatchObject({ refusal: 'swappedKey', members: [1] });
    const foreign = signedCard({ ...team.anchors, federation: new Uint8Array(32) }, victim);
    expect(open({ cohort: withCard(1, foreign) })).toMatchObject({ refusal: 'swappedKey', members: [1] });
  });

  it('with keys of this member that it has deleted is refused', async () => {
    const renewed = { ...newMemberKeys(keys.generation + 1), signing: keys.signing };
    expect(await acceptRound(round, renewed, terms, volatileMemory(), signal)).toMatchObject({
      refusal: 'ownKeySwapped',
    });
  });

  it('with an agreement key of small order gets no upload', async () => {
    const victim = keysAt(team, round, 1);
    const small = { ...victim, agreement: { ...victim.agreement, publicKey: new Uint8Array(32) } };
    const trap = opened({ cohort: withCard(1, cardOf(small)) });
    const vector = quantise(new Float32Array(3), 1, quantiserOf(trap), new Uint8Array(32));
    if (!vector.ok) throw new Error(vector.refusal);
    expect(await prepareUpload(trap, trap.cohort[0]!, keys, vector.value.vector)).toMatchObject({
      refusal: 'swappedKey',
      members: [1],
    });
  });

  it('is accepted again, but no other of its round and no earlier round', async () => {
    const memory = volatileMemory();
    const tryRound = (changed: Partial<Plan>) => acceptRound(opened(changed), keys, terms, memory, signal);
    expect(await tryRound({ round: 7 })).toMatchObject({ ok: true });
    expect(await tryRound({ round: 7 })).toMatchObject({ ok: true });
    expect(await tryRound({ round: 7, clipNorm: 2 })).toMatchObject({ refusal: 'secondPlan' });
    expect(await tryRound({ round: 6 })).toMatchObject({ refusal: 'replayedRound' });
    expect(await tryRound({ round: 8 })).toMatchObject({ ok: true });
    expect(await tryRound({ round: 7 })).toMatchObject({ refusal: 'replayedRound' });
  });

  it('is refused by who is not in it, and by who asks for more company', async () => {
    expect(await acceptRound(round, stranger, terms, volatileMemory(), signal)).toMatchObject({
      refusal: 'notInCohort',
    });
    expect(await acceptRound(round, keys, { minimumCohort: 4 }, volatileMemory(), signal)).toMatchObject({
      refusal: 'minimumTooLow',
    });
  });

  it.each([
    ['wrongRoster', { roster: new Uint8Array(32) }],
    ['cohortOrder', { cohort: [...plan.cohort].reverse() }],
    ['cohortOrder', { cohort: plan.cohort.map(() => plan.cohort[0]!) }],
    ['cohortTooSmall', { minimumCohort: 6 }],
    ['sumTooWide', { privacy: { mechanism: 'client', memberVariance: 1e20, delta: 1e-5 } }],
    ['fields', { minimumCohort: 2 }],
    ['wrongFederation', { federation: new Uint8Array(32) }],
  ] as const satisfies readonly (readonly [Refusal, Partial<Plan>])[])('is refused: %s', (refusal, changed) => {
    expect(open(changed)).toMatchObject({ ok: false, refusal });
  });

  it('signed by another coordinator is refused', () => {
    const other = { ...team, coordinator: newSigningKeys() };
    expect(open({}, other)).toMatchObject({ refusal: 'wrongSigner' });
  });
});

describe('a survivor set', () => {
  it('is answered; a second one never, the first one again', async () => {
    const { survivors, answer } = await uploaded();
    const first = await answer(survivors, 0);
    expect(first).toMatchObject({ ok: true });
    const fewer = { ...survivors, survivors: survivors.survivors.slice(0, 3), dropped: [3, 4] };
    expect(await answer(fewer, 0)).toMatchObject({ refusal: 'secondSurvivorSet' });
    expect(await answer(survivors, 0)).toEqual(first);
    expect(await answer(fewer, 1)).toMatchObject({ ok: true });
    expect(await answer(survivors, 1)).toMatchObject({ refusal: 'secondSurvivorSet' });
  });

  it.each<[Refusal, (given: Survivors) => Survivors]>([
    ['bothMasksAsked', (given) => ({ ...given, dropped: [2, 4] })],
    ['cohortNotCovered', (given) => ({ ...given, dropped: [] })],
    ['outsideCohort', (given) => ({ ...given, dropped: [4, 5] })],
    ['memberNamedTwice', (given) => ({ ...given, survivors: [given.survivors[0]!, ...given.survivors] })],
    ['memberNamedTwice', (given) => ({ ...given, dropped: [4, 4] })],
    ['memberNamedTwice', (given) => ({ ...given, survivors: [...given.survivors].reverse() })],
    ['belowMinimumCohort', (given) => ({ ...given, survivors: given.survivors.slice(0, 2), dropped: [2, 3, 4] })],
    ['belowMinimumCohort', (given) => ({ ...given, survivors: [], dropped: [0, 1, 2, 3, 4] })],
    ['unknownPlan', (given) => ({ ...given, plan: new Uint8Array(32) })],
    ['uploadMissing', (given) => ({ ...given, survivors: replaced(given, 1, new Uint8Array(32)) })],
    ['madeUpUpload', (given) => ({ ...given, survivors: replaced(given, 1, given.survivors[2]!.upload) })],
    [
      'madeUpUpload',
      (given) => ({ ...given, survivors: [...given.survivors, { ...given.survivors[0]!, member: 4 }], dropped: [] }),
    ],
    ['ownUploadSwapped', (given) => ({ ...given, survivors: replaced(given, 0, given.survivors[2]!.upload) })],
  ])('is refused: %s', async (refusal, change) => {
    const { survivors, answer } = await uploaded();
    expect(await answer(change(survivors), 0)).toMatchObject({ ok: false, refusal });
    // A refused set is not on record: the true one is answered after it.
    expect(await answer(survivors, 0)).toMatchObject({ ok: true });
  });

  it('is refused where a stranger’s upload stands for a member', async () => {
    const { survivors, answer, messages } = await uploaded();
    const stranger = newMemberKeys();
    const { message } = await prepared(round, { ...keysAt(team, round, 1), signing: stranger.signing }, 1);
    const id = new Uint8Array(32).fill(9);
    messages.set(String(id), message);
    expect(await answer({ ...survivors, survivors: replaced(survivors, 1, id) }, 0)).toMatchObject({
      refusal: 'madeUpUpload',
    });
  });

  it('is refused from anybody but the coordinator, and by anybody off the committee', async () => {
    const { survivors, answer } = await uploaded();
    expect(await answer(survivors, 0, team.lead)).toMatchObject({ refusal: 'wrongSigner' });
    const outsider = { keys: newMemberKeys(), memory: volatileMemory() };
    const message = signMessage(survivors, team.coordinator);
    expect(await answerSurvivors(message, round, outsider, async () => undefined, signal)).toMatchObject({
      refusal: 'notOnCommittee',
    });
  });

  it('that leaves a member with few neighbours, or falls apart, is refused in a sparse graph', () => {
    const ring: Round = {
      ...round,
      neighbours: [
        [1, 4],
        [0, 2],
        [1, 3],
        [2, 4],
        [0, 3],
      ],
    };
    const name = (survivors: readonly number[], dropped: readonly number[], given: Round) =>
      openSurvivors(
        signMessage(
          {
            type: 'survivors',
            federation: team.anchors.federation,
            plan: round.id,
            survivors: survivors.map((member) => ({ member, upload: new Uint8Array(32) })),
            dropped,
          },
          team.coordinator,
        ),
        given,
      );
    expect(name([0, 1, 2, 3, 4], [], ring)).toMatchObject({ ok: true });
    expect(name([0, 1, 2, 3], [4], ring)).toMatchObject({ refusal: 'tooFewNeighbours', members: [0, 3] });
    const apart: Round = {
      ...ring,
      neighbours: [
        [1, 2],
        [0, 2],
        [0, 1],
        [4, 4],
        [3, 3],
      ],
    };
    expect(name([0, 1, 2, 3, 4], [], apart)).toMatchObject({ refusal: 'survivorsDisconnected' });
  });

  function replaced(given: Survivors, place: number, upload: Uint8Array): Survivors['survivors'] {
    return given.survivors.map((each, i) => (i === place ? { ...each, upload } : each));
  }
});

describe('an upload', () => {
  it.each<[Refusal, (upload: Awaited<ReturnType<typeof prepared>>) => ReturnType<typeof checkPayload>]>([
    ['payloadHash', ({ payload }) => checkPayload(payload, new Uint8Array(32), round)],
    ['payloadSize', ({ payload }) => checkPayload(payload.subarray(4), sha256(payload.subarray(4)), round)],
    [
      'payloadPadding',
      ({ payload }) => {
        const padded = payload.slice();
        padded[padded.length - 1]! |= 0x80;
        return checkPayload(padded, sha256(padded), round);
      },
    ],
  ])('whose payload is not as it should be is refused: %s', async (refusal, check) => {
    const upload = await prepared(round, keysAt(team, round, 0), 0);
    expect(checkPayload(upload.payload, sha256(upload.payload), round).ok).toBe(true);
    expect(check(upload)).toMatchObject({ ok: false, refusal });
  });

  it('by a stranger, for another plan, of another shape, late, or a second one is refused', async () => {
    const keys = keysAt(team, round, 0);
    const { message } = await prepared(round, keys, 0);
    const admit = (given: Uint8Array, nowMs = 0) => admitUpload(given, round, nowMs, () => undefined);
    const first = admit(message);
    if (!first.ok) throw new Error(first.refusal);
    const body = first.value.body;
    expect(admit(signMessage(body, newSigningKeys()))).toMatchObject({ refusal: 'stranger' });
    expect(admit(signMessage({ ...body, plan: new Uint8Array(32) }, keys.signing))).toMatchObject({
      refusal: 'unknownPlan',
    });
    for (const shape of [
      { commitments: body.commitments.slice(1) },
      { boxes: body.boxes.slice(1) },
      { boxes: body.boxes.map((box) => box.subarray(1)) },
    ]) {
      expect(admit(signMessage({ ...body, ...shape }, keys.signing))).toMatchObject({ refusal: 'wrongShape' });
    }
    expect(admit(message, plan.deadlineMs + 1)).toMatchObject({ refusal: 'late' });
    const again = (given: Uint8Array, nowMs: number) => admitUpload(given, round, nowMs, () => first.value);
    expect(again(message, plan.deadlineMs + 1)).toMatchObject({ ok: true });
    const second = await prepared(round, keys, 0);
    expect(again(second.message, 0)).toMatchObject({ refusal: 'alreadyUploaded' });
  });

  it('that commits to other seeds than its neighbours do is left out', async () => {
    const { uploads } = await uploaded();
    const liar = uploads[2]!;
    const commitments = liar.body.commitments.map((each, i) => (i === 0 ? each : new Uint8Array(32).fill(i)));
    const lying = uploads.map((each) => (each === liar ? { ...liar, body: { ...liar.body, commitments } } : each));
    const chosen = chooseSurvivors(round, lying);
    expect(chosen).toMatchObject({ ok: true, value: { dropped: [2, 4] } });
  });
});

describe('a release', () => {
  async function released() {
    const { uploads, survivors, answer } = await uploaded();
    const set = openSurvivors(signMessage(survivors, team.coordinator), round);
    if (!set.ok) throw new Error(set.refusal);
    const releases = [];
    for (const index of round.committee) {
      const answered = await answer(survivors, index);
      if (!answered.ok) throw new Error(answered.refusal);
      const release = openRelease(answered.value, round, set.value);
      if (!release.ok) throw new Error(release.refusal);
      releases.push(release.value);
    }
    return { uploads, set: set.value, releases };
  }

  it('opens each survivor’s self mask and the masks with the dropped, and nothing else', async () => {
    const { uploads, set, releases } = await released();
    for (const { body } of releases) expect(body.shares.map((share) => share?.length)).toEqual([65, 65, 65, 65]);
    const masks = await openMasks(round, set.body, uploads, releases, signal);
    // Four self masks, and one with the dropped member for each.
    expect(masks.ok && masks.value.length).toBe(8);
  });

  it('with wrong shares from one holder does not end the round while there is one to spare; from two it does', async () => {
    const { uploads, set, releases } = await released();
    const spoil = (given: (typeof releases)[number]) => ({
      ...given,
      body: {
        ...given.body,
        shares: given.body.shares.map((share) => share?.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) ?? null),
      },
    });
    const withSpoilt = (count: number) => releases.map((each, i) => (i < count ? spoil(each) : each));
    const tries = [0, 1, 2].map((count) => openMasks(round, set.body, uploads, withSpoilt(count), signal));
    expect(await Promise.all(tries)).toMatchObject([
      { ok: true },
      { ok: true },
      { refusal: 'sharesInconsistent', members: [0] },
    ]);
    const missing = releases.map((each, i) =>
      i < 2 ? { ...each, body: { ...each.body, shares: [null, null, null, null] } } : each,
    );
    expect(await openMasks(round, set.body, uploads, missing, signal)).toMatchObject({ refusal: 'tooFewReleases' });
  });

  it('is refused from a stranger, for another set, of another shape', async () => {
    const { set, releases } = await released();
    const { body } = releases[0]!;
    const keys = keysAt(team, round, round.committee[0]!).signing;
    const judge = (given: typeof body, by = keys) => openRelease(signMessage(given, by), round, set);
    expect(judge(body)).toMatchObject({ ok: true });
    expect(judge(body, newSigningKeys())).toMatchObject({ refusal: 'notOnCommittee' });
    expect(judge({ ...body, survivors: new Uint8Array(32) })).toMatchObject({ refusal: 'unknownSurvivors' });
    expect(judge({ ...body, plan: new Uint8Array(32) })).toMatchObject({ refusal: 'unknownPlan' });
    expect(judge({ ...body, shares: body.shares.slice(1) })).toMatchObject({ refusal: 'wrongShape' });
    const longer = body.shares.map((share) => new Uint8Array([...(share ?? []), 1]));
    expect(judge({ ...body, shares: longer })).toMatchObject({ refusal: 'wrongShape' });
  });

  it('is followed by no result of another plan or survivor set', async () => {
    const { set } = await released();
    const result = {
      type: 'result',
      federation: team.anchors.federation,
      plan: round.id,
      survivors: set.id,
      sum: set.id,
    };
    const judge = (changes: object) => openResult(signMessage({ ...result, ...changes }, team.coordinator), round, set);
    expect(judge({})).toMatchObject({ ok: true });
    expect(judge({ survivors: new Uint8Array(32) })).toMatchObject({ refusal: 'wrongSurvivors' });
    expect(judge({ plan: new Uint8Array(32) })).toMatchObject({ refusal: 'unknownPlan' });
    expect(judge({ note: 1 })).toMatchObject({ refusal: 'fields' });
  });
});
