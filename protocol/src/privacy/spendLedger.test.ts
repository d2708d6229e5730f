import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { privacySpentRdp } from './accountant.ts';
import { budgetFor, type PrivacyCaps } from './budget.ts';
import type { Release } from './mechanism.ts';
import { appendSpend, emptyLedger, readLedger, releasesSince, type SpendLedger } from './spendLedger.ts';

const release: Release = { mechanism: { kind: 'gaussian', noiseMultiplier: 5, samplingRate: 1 }, steps: 1 };
const day = 24 * 3600 * 1000;

function written(count: number, everyMs = day): { readonly file: Uint8Array; readonly ledger: SpendLedger } {
  let ledger = emptyLedger;
  const bytes: number[] = [];
  for (let i = 0; i < count; i++) {
    const next = appendSpend(ledger, { at: i * everyMs, unit: 'member', purpose: `round ${i} é`, release });
    bytes.push(...next.line);
    ledger = next.ledger;
  }
  return { file: Uint8Array.from(bytes), ledger };
}

describe('the ledger of what was spent', () => {
  it('reads what it wrote', () => {
    const { file, ledger } = written(5);
    expect(readLedger(file)).toEqual({ ok: true, ledger, torn: false });
    expect(readLedger(new Uint8Array(0))).toEqual({ ok: true, ledger: emptyLedger, torn: false });
  });

  it('killed at any byte of a write, holds all that was recorded before it, and goes on', () => {
    const { file, ledger } = written(6);
    fc.assert(
      fc.property(fc.nat(file.length), (length) => {
        const read = readLedger(file.subarray(0, length));
        if (!read.ok) throw new Error(read.message);
        // As many as there are whole lines: each was synced before its release began.
        const whole = file.subarray(0, length).filter((byte) => byte === 10).length;
        expect(read.ledger.entries).toEqual(ledger.entries.slice(0, whole));
        const { line } = appendSpend(read.ledger, { at: 0, unit: 'member', purpose: 'next', release });
        const again = readLedger(Uint8Array.from([...file.subarray(0, read.ledger.tip.usableBytes), ...line]));
        expect(again.ok && again.ledger.entries.length).toBe(whole + 1);
      }),
      { numRuns: 200 },
    );
  });

  it('is not read once any byte of a whole line has changed, or a line is gone', () => {
    const { file, ledger } = written(4);
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Uint8Array.from(file);
        changed[at]! ^= change;
        const read = readLedger(changed);
        // Only the last line may go unnoticed: another head shows it, so it must differ.
        if (read.ok) expect(read.ledger.tip.head).not.toBe(ledger.tip.head);
      }),
      { numRuns: 300 },
    );
    const lines = Buffer.from(file).toString().split('\n');
    for (const gone of [0, 1, 2]) {
      const read = readLedger(Buffer.from(lines.filter((_, i) => i !== gone).join('\n')));
      expect(read).toMatchObject({ ok: false, line: gone + 1 });
    }
  });

  it('keeps time from running back, and refuses to record one purpose twice', () => {
    const { ledger } = written(3);
    expect(appendSpend(ledger, { at: 0, unit: 'member', purpose: 'x', release }).ledger.entries.at(-1)?.at).toBe(
      2 * day,
    );
    expect(() => appendSpend(ledger, { at: 0, unit: 'member', purpose: 'round 1 é', release })).toThrow(
      'already holds',
    );
  });

  it('keeps records and members apart, and counts what is dated in the future', () => {
    const { ledger } = appendSpend(written(3).ledger, { at: 10 * day, unit: 'record', purpose: 'run', release });
    expect(releasesSince(ledger.entries, 'member', day)).toHaveLength(2);
    expect(releasesSince(ledger.entries, 'record', 0)).toHaveLength(1);
  });
});

describe('the budget', { timeout: 30_000 }, () => {
  const caps: PrivacyCaps = {
    delta: 1e-6,
    epsilonPerRound: 2,
    epsilonPerYear: 4,
    epsilonLifetime: Number.POSITIVE_INFINITY,
  };

  it('admits rounds until the year is full, then says which cap and what is left', () => {
    const { ledger } = written(40, day);
    const few = written(3, day).ledger;
    expect(budgetFor(few.entries, 'member', release, caps, 3 * day)).toMatchObject({ ok: true });
    const refused = budgetFor(ledger.entries, 'member', release, caps, 40 * day);
    expect(refused).toMatchObject({ ok: false, field: 'epsilonPerYear', cap: 4, left: 0 });
    if (!refused.ok) expect(refused.wouldBe).toBeGreaterThan(4);
    // Two years later none of them counts for the year, all count for a life.
    expect(budgetFor(ledger.entries, 'member', release, caps, 800 * day)).toMatchObject({ ok: true });
    const forLife = { ...caps, epsilonLifetime: 4 };
    expect(budgetFor(ledger.entries, 'member', release, forLife, 800 * day)).toMatchObject({
      field: 'epsilonLifetime',
    });
    // The other unit's budget is untouched.
    expect(budgetFor(ledger.entries, 'record', release, caps, 40 * day)).toMatchObject({ ok: true });
  });

  it('lets the tight accountant decide where the fast one would refuse', () => {
    const fast = privacySpentRdp([release], 1e-6);
    const between = { ...caps, epsilonPerRound: fast * 0.97 };
    expect(budgetFor(emptyLedger.entries, 'member', release, between, 0)).toMatchObject({ ok: true });
    const below = { ...caps, epsilonPerRound: fast * 0.7 };
    expect(budgetFor(emptyLedger.entries, 'member', release, below, 0)).toMatchObject({
      ok: false,
      field: 'epsilonPerRound',
    });
    const absurd: Release = {
      mechanism: { kind: 'gaussian', noiseMultiplier: 0.001, samplingRate: 0.5 },
      steps: 100_000_000,
    };
    expect(budgetFor(emptyLedger.entries, 'member', absurd, caps, 0)).toMatchObject({
      ok: false,
      wouldBe: privacySpentRdp([absurd], 1e-6),
    });
    const none = { ...caps, epsilonPerRound: Number.NaN };
    expect(budgetFor(emptyLedger.entries, 'member', release, none, 0)).toMatchObject({ ok: false });
  });
});
