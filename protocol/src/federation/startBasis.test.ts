import { describe, expect, it } from 'vitest';
import { roundBasis } from './basis.ts';
import { memoryBoard, readTopic, startBlobsTopic, startsTopic } from './board.ts';
import { type Start, startSchema } from './messages.ts';
import type { Refusal } from './refusal.ts';
import { sha256 } from './signedMessage.ts';
import { simulatedBasis } from './simulatedBasis.ts';
import { simulatedTeam } from './simulatedTeam.ts';
import { openStart, roundStart } from './start.ts';
import { startBasis } from './startBasis.ts';
import { decodeStartFile, encodeStartFile, postStart, type StartFile } from './startFile.ts';

const { signal } = new AbortController();
const team = simulatedTeam(3);
const { federation } = team.anchors;
const outputs = [12, 20];
const started = roundStart(new Float32Array(64), [24, 40]);
const rounded = roundBasis(simulatedBasis({ rank: 2, directions: 3, outputs }, 1));
if (!started.ok || !rounded.ok) throw new Error('Nothing to test with.');
const { levels, ranges, basis } = rounded.value;
const file: StartFile = {
  base: new Uint8Array(32).fill(3),
  adapter: { rank: 2, alpha: 4, targets: ['q', 'v'], matrices: 'b', seed: 1 },
  description: 'packages',
  segments: started.value.segments,
  levels: started.value.levels,
  basis: { directions: 3, ranges: [...ranges], levels },
};
const { adapter, segments } = file;

describe('a start’s basis', () => {
  it('is the same floats for everybody, from the file as from the board, where it lies before the start', async () => {
    expect(decodeStartFile(encodeStartFile(file))).toEqual(file);
    const board = memoryBoard();
    const posted = await postStart(board, file, { federation, sequence: 1 }, team.lead, signal);
    if (!posted.ok) throw new Error(posted.refusal);
    const [message] = await readTopic(board, startsTopic, signal);
    const start = openStart(message ?? levels, team.anchors);
    if (!start.ok) throw new Error(start.refusal);
    expect((await readTopic(board, startBlobsTopic(posted.value), signal)).length).toBe(2);
    const { body } = start.value;
    const blob = await board.read(body.basis?.values ?? body.values, signal);
    expect(startBasis(blob, body)).toEqual({ ok: true, value: basis });
  });

  it('is refused by name, and then nothing is posted', async () => {
    const own = { directions: 3, ranges: [...ranges], values: sha256(levels) };
    const refusal = (blob: Uint8Array | undefined, changes: Partial<Start> = {}): Refusal | undefined => {
      const judged = startBasis(blob, { adapter, segments, basis: own, ...changes });
      return judged.ok ? undefined : judged.refusal;
    };
    expect(refusal(levels)).toBeUndefined();
    expect(refusal(levels, { basis: null })).toBe('basisMissing');
    expect(refusal(undefined)).toBe('basisMissing');
    expect(refusal(levels.with(0, 1))).toBe('basisHash');
    expect(refusal(levels, { basis: { ...own, directions: 2 } })).toBe('basisSize');
    const wild = levels.with(0, 0x80);
    expect(refusal(wild, { basis: { ...own, values: sha256(wild) } })).toBe('basisRange');
    expect(refusal(levels, { basis: { ...own, ranges: ranges.map((range) => 2 * range) } })).toBe('basisSkewed');
    expect(refusal(levels, { basis: { ...own, ranges: ranges.slice(1) } })).toBe('basisAdapter');
    expect(refusal(levels, { adapter: { ...adapter, matrices: 'both' } })).toBe('basisAdapter');
    // No such matrix of B: its rows would have a fraction of an output.
    expect(refusal(levels, { segments: [{ length: 23, range: 1 }, segments[1] ?? { length: 1, range: 1 }] })).toBe(
      'basisAdapter',
    );
    const board = memoryBoard();
    const skewed = { ...file, basis: { directions: 3, ranges: ranges.map((range) => 2 * range), levels } };
    expect(await postStart(board, skewed, { federation, sequence: 1 }, team.lead, signal)).toMatchObject({
      refusal: 'basisSkewed',
    });
    expect(await board.list(startsTopic, signal)).toEqual([]);
  });

  it('is a field that no start may leave out, and of so many directions that anybody can check it', () => {
    const values = sha256(levels);
    const body = {
      type: 'start',
      federation,
      sequence: 1,
      base: file.base,
      adapter,
      description: 'x',
      segments,
      values,
    };
    const own = { directions: 3, ranges, values };
    expect(startSchema.safeParse(body).success).toBe(false);
    for (const given of [null, own]) expect(startSchema.safeParse({ ...body, basis: given }).success).toBe(true);
    for (const changes of [{ directions: 0 }, { directions: 65 }, { ranges: [0] }, { ranges: [] }, { more: 1 }]) {
      expect(startSchema.safeParse({ ...body, basis: { ...own, ...changes } }).success).toBe(false);
    }
  });
});
