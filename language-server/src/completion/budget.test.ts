import { expect, test } from 'vitest';
import { budgetFor } from './budget.ts';

test('a faster machine reads more', () => {
  expect(budgetFor({ prefill: 600, decode: 140 }, 1024).before).toBeGreaterThan(
    budgetFor({ prefill: 120, decode: 60 }, 1024).before,
  );
});

test.each([64, 512, 1024, 4096])(
  'prompt and completion fit a context of %i tokens or its least budget',
  (contextTokens) => {
    const budget = budgetFor({ prefill: 10_000, decode: 1_000 }, contextTokens);
    expect(budget.before + budget.after + budget.blockTokens).toBeLessThanOrEqual(Math.max(contextTokens, 512));
  },
);

test('small changes of speed do not move the window', () => {
  expect(budgetFor({ prefill: 151, decode: 60 }, 1024).before).toBe(
    budgetFor({ prefill: 153, decode: 60 }, 1024).before,
  );
});
