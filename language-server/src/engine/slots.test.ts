import { expect, test } from 'vitest';
import { chooseSlot, chooseSlotAside } from './slots.ts';

const run = (from: number, length: number) => Array.from({ length }, (_, i) => from + i);

test('the slot with the longest shared prefix goes on', () => {
  const near = { tokens: run(0, 100), lastUsed: 1 };
  const far = { tokens: run(500, 100), lastUsed: 2 };
  expect(chooseSlot([far, near], run(0, 120))).toBe(near);
});

test('a prompt that fits none takes the slot that was used longest ago', () => {
  const older = { tokens: run(0, 100), lastUsed: 1 };
  const newer = { tokens: run(500, 100), lastUsed: 2 };
  expect(chooseSlot([newer, older], run(900, 120))).toBe(older);
});

test('a few tokens in common do not cost a long state its place', () => {
  const header = { tokens: [...run(0, 8), ...run(100, 300)], lastUsed: 2 };
  const unused = { tokens: [], lastUsed: 0 };
  expect(chooseSlot([header, unused], [...run(0, 8), ...run(700, 300)])).toBe(unused);
});

test('a prompt for later leaves the one that serves as it is, unless it goes on from it', () => {
  const serving = { tokens: [...run(0, 150), ...run(1000, 200)], lastUsed: 2 };
  const other = { tokens: [], lastUsed: 1 };
  expect(chooseSlotAside([serving, other], [...run(0, 150), ...run(2000, 200)], serving)).toBe(other);
  expect(chooseSlotAside([serving, other], [...run(0, 150), ...run(1000, 230)], serving)).toBe(serving);
});
