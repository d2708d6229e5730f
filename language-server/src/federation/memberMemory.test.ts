import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimsIn } from './claims.ts';
import { durableMemory } from './memberMemory.ts';

const { signal } = new AbortController();
const bytes = (fill: number) => new Uint8Array(32).fill(fill);
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argot-memory-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('claims', () => {
  it('the first one stays, whoever comes at the same time', async () => {
    const claims = claimsIn(folder);
    const given = Array.from({ length: 20 }, (_, i) => claims.claim('x', bytes(i)));
    const outcomes = await Promise.all(given);
    for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
    expect(await claimsIn(folder).read('x')).toEqual(outcomes[0]);
    // Nothing half-written is left, and none of it has a name.
    expect(await readdir(folder)).toEqual(['x']);
  });

  it('what a killed process left half-written is no claim', async () => {
    await writeFile(join(folder, '.x.half'), 'hal');
    const claims = claimsIn(folder);
    expect(await claims.names()).toEqual([]);
    expect(await claims.claim('x', bytes(3))).toEqual(bytes(3));
  });
});

describe('a member’s memory', () => {
  it('holds to the first plan of a round and to the highest round, also after a restart', async () => {
    const claim = (round: number, plan: number) =>
      durableMemory(folder).claimRound({ round, plan: bytes(plan) }, signal);
    expect(await claim(7, 1)).toEqual({ round: 7, plan: bytes(1) });
    expect(await claim(7, 2)).toEqual({ round: 7, plan: bytes(1) });
    expect(await claim(12, 3)).toEqual({ round: 12, plan: bytes(3) });
    expect(await claim(9, 4)).toEqual({ round: 12, plan: bytes(3) });
    expect(await durableMemory(folder).acceptedPlan(7, signal)).toEqual(bytes(1));
    expect(await durableMemory(folder).acceptedPlan(9, signal)).toBeUndefined();
  });

  it('gives the first upload again, byte for byte, and forgets its payload alone', async () => {
    const first = { payload: new Uint8Array(1000).fill(1), message: new Uint8Array(50).fill(2) };
    const second = { payload: new Uint8Array(1000).fill(3), message: new Uint8Array(50).fill(4) };
    expect(await durableMemory(folder).claimUpload(bytes(1), first, signal)).toEqual(first);
    expect(await durableMemory(folder).claimUpload(bytes(1), second, signal)).toEqual(first);
    const again = durableMemory(folder);
    await again.forgetPayload(bytes(1));
    expect(await again.uploadFor(bytes(1), signal)).toEqual({ ...first, payload: new Uint8Array(0) });
    expect(await again.uploadFor(bytes(2), signal)).toBeUndefined();
  });

  it('answers one survivor set in a round', async () => {
    expect(await durableMemory(folder).claimSurvivors(1, bytes(1), signal)).toEqual(bytes(1));
    expect(await durableMemory(folder).claimSurvivors(1, bytes(2), signal)).toEqual(bytes(1));
    expect(await durableMemory(folder).claimSurvivors(2, bytes(2), signal)).toEqual(bytes(2));
  });
});
