import { describe, expect, it } from 'vitest';
import type { Refusal } from './refusal.ts';
import { checkSum } from './result.ts';
import { pack, zeroVector } from './ring.ts';
import { sha256 } from './signedMessage.ts';
import { simulatedPlan, simulatedRound, simulatedTeam } from './simulatedTeam.ts';

const team = simulatedTeam(3);
const quantiser = {
  bits: 4,
  segments: [
    { length: 2, range: 7 },
    { length: 1, range: 0.7 },
  ],
};
/** Levels −7 … 7; steps 1, 1 and 0.1; sums −21 … 21 in 6 bits; weights up to 10. */
const round = simulatedRound(team, simulatedPlan(team, 3, { quantiser, maxWeight: 10, clipNorm: 5 }));
const survivors = {
  type: 'survivors' as const,
  federation: team.anchors.federation,
  plan: round.id,
  survivors: [0, 1, 2].map((member) => ({ member, upload: new Uint8Array(32) })),
  dropped: [],
};

function judge(weight: number, levels: readonly number[], change: (blob: Uint8Array) => Uint8Array = (blob) => blob) {
  const vector = zeroVector(3, round.modulusBits);
  vector.weight = weight;
  levels.forEach((level, i) => {
    vector.lanes[i] = level;
  });
  const blob = change(pack(vector));
  const result = { type: 'result' as const, federation: team.anchors.federation, plan: round.id, survivors: round.id };
  return checkSum(blob, { ...result, sum: sha256(blob) }, round, survivors);
}

describe('a published sum', () => {
  it('is accepted where clipped and rounded updates can make it', () => {
    expect(round.modulusBits).toBe(6);
    expect(judge(3, [0, 0, 0])).toMatchObject({ ok: true });
    // Norm 15 = 3 · 5, all at full weight.
    expect(judge(30, [9, -12, 0])).toMatchObject({ ok: true });
  });

  it.each<[Refusal, ReturnType<typeof judge>]>([
    ['sumSize', judge(3, [0, 0, 0], (blob) => blob.subarray(0, 4))],
    ['sumPadding', judge(3, [0, 0, 0], (blob) => Uint8Array.from(blob, (byte, i) => (i === 7 ? 0x80 : byte)))],
    ['weightRange', judge(2, [0, 0, 0])],
    ['weightRange', judge(31, [0, 0, 0])],
    ['levelRange', judge(30, [0, 0, 22])],
    ['levelRange', judge(30, [0, 0, -22])],
    // 3 · √2.01 for rounding beside 15 for three clipped updates, or 1.5 for their weights of a tenth.
    ['norm', judge(30, [20, 0, 0])],
    ['norm', judge(3, [6, 0, 0])],
  ])('is refused: %s', (refusal, judged) => {
    expect(judged).toMatchObject({ ok: false, refusal });
  });

  it('is refused under another hash', () => {
    const blob = pack(zeroVector(3, 6));
    const result = {
      type: 'result' as const,
      federation: round.id,
      plan: round.id,
      survivors: round.id,
      sum: round.id,
    };
    expect(checkSum(blob, result, round, survivors)).toMatchObject({ refusal: 'sumHash' });
  });
});
