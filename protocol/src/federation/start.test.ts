import { encode } from 'cborg';
import { describe, expect, it } from 'vitest';
import { memoryBoard, readTopic, startBlobsTopic, startsTopic } from './board.ts';
import { newSigningKeys, sign } from './keys.ts';
import type { Start } from './messages.ts';
import type { Refusal } from './refusal.ts';
import { sha256, signMessage } from './signedMessage.ts';
import { simulatedTeam } from './simulatedTeam.ts';
import { fitsStart, newestStart, openStart, roundStart, startValues } from './start.ts';
import { decodeStartFile, encodeStartFile, postStart } from './startFile.ts';

const { signal } = new AbortController();
const team = simulatedTeam(3);
const { federation } = team.anchors;
const adapter: Start['adapter'] = { rank: 8, alpha: 16, targets: ['q', 'v'], matrices: 'b', seed: 1 };
const base = new Uint8Array(32).fill(3);

const update = Float32Array.from({ length: 30 }, (_, i) => (i < 10 ? Math.sin(i) / 20 : Math.sin(i) / 5000));
const rounded = roundStart(update, [10, 20]);
if (!rounded.ok) throw new Error(rounded.refusal);
const { segments, levels, values } = rounded.value;
const start = (changes: Partial<Start> = {}): Start => ({
  ...{
    type: 'start',
    federation,
    sequence: 1,
    base,
    adapter,
    description: 'packages',
    segments,
    values: sha256(levels),
    basis: null,
  },
  ...changes,
});
const opened = (body: Start) => {
  const signed = openStart(signMessage(body, team.lead), team.anchors);
  if (!signed.ok) throw new Error(signed.refusal);
  return signed.value;
};

describe('a start', () => {
  it('gives everybody the floats that the lead has, each within half a level of what was trained', () => {
    expect(startValues(levels, opened(start()).body)).toEqual({ ok: true, value: values });
    for (const [i, value] of values.entries()) {
      const range = segments[i < 10 ? 0 : 1]?.range ?? 0;
      expect(Math.abs(value - update[i]!)).toBeLessThanOrEqual((range / 254) * 1.0001);
    }
    // A matrix's largest value and its sign are kept, and a matrix of zeros is one.
    expect(Math.max(...values.subarray(0, 10))).toBeCloseTo(Math.max(...update.subarray(0, 10)), 7);
    expect(roundStart(new Float32Array(4), [4])).toMatchObject({ value: { values: new Float32Array(4) } });
  });

  it('is refused by name', () => {
    const refusal = (blob: Uint8Array | undefined, changes: Partial<Start> = {}): Refusal | undefined => {
      const hash = blob === undefined ? {} : { values: sha256(blob) };
      const judged = startValues(blob, start({ ...hash, ...changes }));
      return judged.ok ? undefined : judged.refusal;
    };
    expect(refusal(levels)).toBeUndefined();
    expect(refusal(undefined)).toBe('valuesMissing');
    expect(refusal(levels, { values: new Uint8Array(32) })).toBe('valuesHash');
    expect(refusal(levels.subarray(1))).toBe('valuesSize');
    expect(refusal(levels.with(4, 0x80))).toBe('valuesRange');
    expect(refusal(levels, { segments: [{ length: 30, range: 0.5 }] })).toBe('valuesNorm');
    // Whose values would be infinite.
    expect(refusal(levels, { segments: [{ length: 30, range: 1e300 }] })).toBe('valuesNorm');
    expect(roundStart(update.with(3, Number.NaN), [10, 20])).toMatchObject({ refusal: 'updateNotFinite' });
    expect(roundStart(update, [10, 19])).toMatchObject({ refusal: 'updateSize' });
  });

  it('comes from the lead of this federation alone, and holds numbers', () => {
    const given = (message: Uint8Array) => openStart(message, team.anchors);
    expect(given(signMessage(start(), newSigningKeys()))).toMatchObject({ refusal: 'wrongSigner' });
    expect(given(signMessage(start(), team.coordinator))).toMatchObject({ refusal: 'wrongSigner' });
    const elsewhere = start({ federation: new Uint8Array(32) });
    expect(given(signMessage(elsewhere, team.lead))).toMatchObject({ refusal: 'wrongFederation' });
    expect(given(signMessage(start({ description: 'x'.repeat(301) }), team.lead))).toMatchObject({ refusal: 'fields' });
    for (const range of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const body = new Uint8Array(encode(start({ segments: [{ length: 30, range }] })));
      const { publicKey, secretKey } = team.lead;
      const message = new Uint8Array(encode([body, publicKey, sign(secretKey, body)]));
      expect(given(message)).toMatchObject({ refusal: 'malformed' });
    }
  });

  it('fits rounds of its base model and shape only', () => {
    const judge = (shape: Partial<Parameters<typeof fitsStart>[1]>) => fitsStart(start(), { base, adapter, ...shape });
    expect(judge({})).toMatchObject({ ok: true });
    expect(judge({ length: 30 })).toMatchObject({ ok: true });
    expect(judge({ base: new Uint8Array(32) })).toMatchObject({ refusal: 'startBase' });
    expect(judge({ length: 31 })).toMatchObject({ refusal: 'startAdapter' });
    for (const other of [{ rank: 4 }, { alpha: 8 }, { seed: 2 }, { matrices: 'both' }, { targets: ['q'] }] as const) {
      expect(judge({ adapter: { ...adapter, ...other } as Start['adapter'] })).toMatchObject({
        refusal: 'startAdapter',
      });
    }
  });

  it('that is the newest of those that fit counts, whatever their order', () => {
    const other = opened(start({ sequence: 9, base: new Uint8Array(32) }));
    const [first, second] = [opened(start()), opened(start({ sequence: 2, description: 'more' }))];
    expect(newestStart([second, other, first], { base, adapter })).toBe(second);
    expect(newestStart([second, other, first])).toBe(other);
    expect(newestStart([other], { base, adapter })).toBeUndefined();
  });

  it('is a file first, and posted with its values before it', async () => {
    const file = { base, adapter, description: 'packages', segments, levels, basis: null };
    const read = decodeStartFile(encodeStartFile(file));
    expect(read).toEqual(file);
    expect(decodeStartFile(new Uint8Array([1, 2, 3]))).toBeUndefined();
    const board = memoryBoard();
    const id = await postStart(board, file, { federation, sequence: 1 }, team.lead, signal);
    expect(id).toEqual({ ok: true, value: opened(start()).id });
    expect(await readTopic(board, startsTopic, signal)).toEqual([signMessage(start(), team.lead)]);
    expect(await readTopic(board, startBlobsTopic(opened(start()).id), signal)).toEqual([levels]);
    const tooLong = { ...file, segments: [{ length: 30, range: 3 }] };
    expect(await postStart(board, tooLong, { federation, sequence: 2 }, team.lead, signal)).toMatchObject({
      refusal: 'valuesNorm',
    });
    expect((await board.list(startsTopic, signal)).length).toBe(1);
  });
});
