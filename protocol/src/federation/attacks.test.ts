import { describe, expect, it } from 'vitest';
import { newSigningKeys } from './keys.ts';
import { acceptRound, type MemberKeys } from './member.ts';
import type { Plan, Survivors } from './messages.ts';
import { quantise } from './quantiser.ts';
import type { Refusal } from './refusal.ts';
import { answerSurvivors } from './release.ts';
import { openRound, quantiserOf, type Round } from './round.ts';
import { signMessage } from './signedMessage.ts';
import { keysAt, newMemberKeys, type SimulatedTeam, signedCard, volatileMemory } from './simulatedTeam.ts';
import { openSurvivors } from './survivors.ts';
import { prepareUpload } from './upload.ts';

import { plan, prepared, round, signal, team, uploaded } from './uploadedRound.ts';

const terms = { minimumCohort: 3 };

function open(changed: Partial<Plan>, given: SimulatedTeam = team) {
  return openRound(signMessage({ ...plan, ...changed }, given.coordinator), given.anchors, given.roster);
}

function opened(changed: Partial<Plan>): Round {
  const result = open(changed);
  if (!result.ok) throw new Error(result.refusal);
  return result.value;
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
    ['sumTooWide', { maxWeight: 1, privacy: { mechanism: 'client', memberVariance: 1e20, delta: 1e-5 } }],
    ['weightTells', { maxWeight: 2, privacy: { mechanism: 'client', memberVariance: 1, delta: 1e-5 } }],
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

  it('of a plan that this member has not accepted is refused', async () => {
    const { survivors, find } = await uploaded();
    const memory = volatileMemory();
    const answer = () =>
      answerSurvivors(
        signMessage(survivors, team.coordinator),
        round,
        { keys: keysAt(team, round, 4), memory },
        find,
        signal,
      );
    expect(await answer()).toMatchObject({ refusal: 'unknownPlan' });
    await memory.claimRound({ round: 1, plan: new Uint8Array(32) }, signal);
    expect(await answer()).toMatchObject({ refusal: 'unknownPlan' });
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
