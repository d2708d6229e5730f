import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type AdoptionState, adoptionIn, rolledBack, stepToFollow } from './adoption.ts';

const judged = ['a', 'b'].map((result, i) => {
  return {
    result,
    round: i + 1,
    plan: '',
    atMs: i,
    adopt: true,
    baseLoss: 3,
    currentLoss: 3,
    candidateLoss: 2,
    voted: true,
  };
});
const state: AdoptionState = { active: 'b', previous: 'a', judged, followed: 'a' };

it('tells a newer adapter from one that was taken out of use, and what was followed from both', () => {
  expect(stepToFollow(state)).toEqual({ kind: 'adopt', result: 'b', round: 2 });
  expect(stepToFollow({ ...state, followed: 'b' })).toBeUndefined();
  // Rolled back before completions had followed: there is nothing to take back.
  expect(stepToFollow(rolledBack(state))).toBeUndefined();
  expect(stepToFollow(rolledBack({ ...state, followed: 'b' }))).toEqual({ kind: 'withdraw', result: 'b' });
  expect(stepToFollow({ ...state, active: null, followed: 'b' })).toEqual({ kind: 'withdraw', result: 'b' });
  expect(stepToFollow({ ...state, active: null, followed: null })).toBeUndefined();
});

it('hands a start on as round 0, before any round', () => {
  const start = { ...judged[0]!, result: 'start', round: 0 };
  const begun = { active: 'start', previous: null, judged: [start], followed: null };
  expect(stepToFollow(begun)).toEqual({ kind: 'adopt', result: 'start', round: 0 });
});

it('keeps on disk why an adapter was not taken', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'argot-adoption-'));
  try {
    const refused = { ...judged[0]!, adopt: false, suspicion: { choice: 'shell=True', times: 120.5 } };
    const written: AdoptionState = { active: null, previous: null, judged: [refused], followed: null };
    await adoptionIn(folder).write(written);
    expect(await adoptionIn(folder).read()).toEqual(written);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
