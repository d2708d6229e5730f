import { describe, expect, it } from 'vitest';
import { discoveries, makeRow, type Row, summarise, summariseNights } from './measure.ts';

describe('discoveries', () => {
  it('holds the example of Benjamini and Hochberg (1995, section 3.3)', () => {
    const p = [
      0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1,
    ];
    expect(discoveries(p).filter(Boolean)).toHaveLength(4);
  });

  it('takes all below the last that holds, and the order does not matter', () => {
    expect(discoveries([0.04, 0.9, 0.03, 0.02], 0.1)).toEqual([true, false, true, true]);
    expect(discoveries([])).toEqual([]);
  });
});

describe('summarise', () => {
  const about = { row: 'own', trainingTokens: 100, scale: 1, forgetting: 0.01 } as const;
  const base = { nats: [10, 12, 9, 11, 10, 13, 12, 9], bytes: 100 };
  const better = { nats: base.nats.map((loss) => loss * 0.9), bytes: 100 };

  it('counts who is improved, harmed, and better served by their own', () => {
    const rows: Row[] = [
      makeRow({ ...about, author: 'a' }, base, better),
      makeRow({ ...about, author: 'b' }, base, { nats: base.nats.map((loss) => loss * 1.2), bytes: 100 }),
      makeRow({ ...about, author: 'a', row: 'other' }, base, base),
      makeRow({ ...about, author: 'b', row: 'other' }, base, base),
    ];
    expect(summarise(rows, 100)).toMatchObject({
      authors: 2,
      meanBpbGain: -0.05,
      shareImprovedBpb: 0.5,
      shareHarmedBpb: 0.5,
      shareOwnBeatsOther: 0.5,
      forgetting: 0.01,
    });
  });
});

it('sets what the replayed developer’s nights gave beside the gain of much training', () => {
  const base = { nats: [10, 10, 10, 10], bytes: 100 };
  const at = (gain: number) => ({ nats: base.nats.map((loss) => loss * (1 - gain)), bytes: 100 });
  const own = { row: 'own', trainingTokens: 20_000, scale: 1 } as const;
  const night = { row: 'accepted', trainingTokens: 0, scale: 1 } as const;
  const rows = [
    makeRow({ ...own, author: 'a' }, base, at(0.1)),
    makeRow({ ...own, author: 'b' }, base, at(0.2)),
    makeRow({ ...night, author: 'a', accepted: 21, lines: 30 }, base, at(0.02)),
    makeRow({ ...night, author: 'b', accepted: 23, lines: 32 }, base, at(0.04)),
    makeRow({ ...night, author: 'a', accepted: 100, lines: 130 }, base, at(0.08)),
  ];
  expect(summariseNights(rows, 20_000)).toEqual([
    { authors: 2, accepted: 22, lines: 31, meanBpbGain: 0.03, shareOfFullGain: 0.2 },
    { authors: 1, accepted: 100, lines: 130, meanBpbGain: 0.08, shareOfFullGain: 0.8 },
  ]);
  expect(summariseNights(rows.slice(0, 2), 20_000)).toEqual([]);
});
