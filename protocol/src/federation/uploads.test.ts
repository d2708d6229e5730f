import { describe, expect, it } from 'vitest';
import { newSigningKeys } from './keys.ts';
import type { Refusal } from './refusal.ts';
import { openRelease } from './release.ts';
import { openResult } from './result.ts';
import { sha256, signMessage } from './signedMessage.ts';
import { keysAt } from './simulatedTeam.ts';
import { openMasks } from './sum.ts';
import { chooseSurvivors, openSurvivors } from './survivors.ts';
import { admitUpload, checkPayload } from './upload.ts';

import { plan, prepared, round, signal, team, uploaded } from './uploadedRound.ts';

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
        // Many bytes at random: a change of one alone may happen to cancel another holder's.
        shares: given.body.shares.map(
          (share) => share?.map((byte, i) => (i < 32 ? Math.floor(Math.random() * 256) : byte)) ?? null,
        ),
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
