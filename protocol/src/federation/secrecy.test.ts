import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Mask } from './maskStream.ts';
import { quantise } from './quantiser.ts';
import { answerSurvivors, openRelease } from './release.ts';
import { type RingVector, unpack, zeroVector } from './ring.ts';
import { quantiserOf, type Round } from './round.ts';
import { signMessage } from './signedMessage.ts';
import { keysAt, simulatedPlan, simulatedRound, simulatedTeam, volatileMemory } from './simulatedTeam.ts';
import { openMasks, unmask } from './sum.ts';
import { chooseSurvivors, openSurvivors } from './survivors.ts';
import { openUpload, prepareUpload } from './upload.ts';

/**
 * The coordinator holds every payload and every release. It takes off each mask that the releases opened, and looks at
 * what is left of one member, or of some of them together: only all survivors together may show anything.
 */

const { signal } = new AbortController();
const length = 1 << 16;

it('leaves every upload and every partial sum uniform, given all that the coordinator holds', async () => {
  const team = simulatedTeam(6);
  const quantiser = { bits: 4, segments: [{ length, range: 1 }] };
  const round = simulatedRound(team, simulatedPlan(team, length, { quantiser, clipNorm: 1e6 }));
  const uploads = [];
  const payloads = new Map<number, Uint8Array>();
  const messages = new Map<string, Uint8Array>();
  for (const self of round.cohort) {
    // As far from uniform as can be: all coordinates alike.
    const quantised = quantise(
      new Float32Array(length).fill(1),
      1000,
      quantiserOf(round),
      new Uint8Array(randomBytes(32)),
    );
    if (!quantised.ok) throw new Error(quantised.refusal);
    const made = await prepareUpload(round, self, keysAt(team, round, self.index), quantised.value.vector);
    if (!made.ok) throw new Error(made.refusal);
    const upload = openUpload(made.value.message, round);
    if (!upload.ok) throw new Error(upload.refusal);
    payloads.set(self.index, made.value.payload);
    messages.set(String(upload.value.id), made.value.message);
    // The last one comes late: the coordinator has the payload, and it counts as dropped.
    if (self.index < 5) uploads.push(upload.value);
  }
  const chosen = chooseSurvivors(round, uploads);
  if (!chosen.ok) throw new Error(chosen.refusal);
  const message = signMessage(chosen.value, team.coordinator);
  const survivors = openSurvivors(message, round);
  if (!survivors.ok) throw new Error(survivors.refusal);
  const releases = [];
  for (const index of round.committee) {
    const memory = volatileMemory();
    await memory.claimRound({ round: round.plan.round, plan: round.id }, signal);
    const own = messages.get(String(uploads.find(({ member }) => member.index === index)?.id));
    if (own) await memory.claimUpload(round.id, { payload: new Uint8Array(0), message: own }, signal);
    const find = async (id: Uint8Array) => messages.get(String(id));
    const answer = await answerSurvivors(message, round, { keys: keysAt(team, round, index), memory }, find, signal);
    if (!answer.ok) throw new Error(answer.refusal);
    const release = openRelease(answer.value, round, survivors.value);
    if (!release.ok) throw new Error(release.refusal);
    releases.push(release.value);
  }
  const masks = await openMasks(round, survivors.value.body, uploads, releases, signal);
  if (!masks.ok) throw new Error(masks.refusal);
  expect(masks.value.length).toBe(10);

  const survivorsMasks = (index: number): readonly Mask[] => masks.value.slice(2 * index, 2 * index + 2);
  const bare = [0, 1, 2, 3, 4].map((index) => without(round, payloads.get(index)!, survivorsMasks(index)));
  // What survivors added for the late member is known, so the same masks can be taken off its payload: the signs differ.
  const pairwise = [0, 1, 2, 3, 4].map((index) => masks.value[2 * index + 1]!);
  const late = without(
    round,
    payloads.get(5)!,
    pairwise.map(({ seed, sign }) => ({ seed, sign: sign === 1 ? -1 : 1 })),
  );

  const subsets = Array.from({ length: 31 }, (_, bits) => [0, 1, 2, 3, 4].filter((index) => ((bits + 1) >> index) & 1));
  for (const subset of subsets.filter((each) => each.length < 5))
    expectUniform(
      added(
        round,
        subset.map((index) => bare[index]!),
      ),
    );
  expectUniform(late);
  expectUniform(added(round, [late, ...bare]));
  for (const payload of payloads.values()) expectUniform(without(round, payload, []));

  // The measure is able to see: all survivors together are the sum, every lane of which is 5 · 7.
  const sum = added(round, bare);
  expect(chiSquared(sum)).toBeGreaterThan(length);
  expect(new Set(sum.lanes.map((lane) => lane % 2 ** round.modulusBits))).toEqual(new Set([35]));
});

function without(round: Round, payload: Uint8Array, masks: readonly Mask[]): RingVector {
  const vector = unpack(payload, round.length, round.modulusBits);
  unmask(vector, masks);
  return vector;
}

function added(round: Round, vectors: readonly RingVector[]): RingVector {
  const sum = zeroVector(round.length, round.modulusBits);
  for (const { lanes } of vectors) {
    for (let i = 0; i < lanes.length; i++) sum.lanes[i] = sum.lanes[i]! + lanes[i]!;
  }
  return sum;
}

function chiSquared({ lanes, bits }: RingVector): number {
  const counts = new Array<number>(2 ** bits).fill(0);
  for (const lane of lanes) counts[lane % 2 ** bits]! += 1;
  const expected = lanes.length / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** Seven standard deviations, on the high side a chance of 1 in 10^8: a false alarm once in some two million runs. */
function expectUniform(vector: RingVector): void {
  const freedom = 2 ** vector.bits - 1;
  expect(Math.abs(chiSquared(vector) - freedom)).toBeLessThan(7 * Math.sqrt(2 * freedom));
}
