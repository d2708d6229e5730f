import { describe, expect, it } from 'vitest';
import { search, type WeightedTerm } from './bm25.ts';
import { createSegmentBuilder, type Segment } from './segment.ts';

const everything = { alive: () => true, count: 10 };

/** Terms 0 to 199 in each of 6,000 chunks with a chance that falls with their number, so that some are nearly everywhere. */
function manyChunks(): Segment {
  let seed = 1;
  const random = (): number => {
    seed = Math.imul(seed, 1103515245) + 12345;
    return ((seed >>> 8) & 0xffff) / 0x10000;
  };
  const builder = createSegmentBuilder();
  for (let file = 0; file < 600; file++) {
    const chunks = Array.from({ length: 10 }, (_, i) => ({
      start: i,
      end: i + 1,
      hash: 0,
      terms: Array.from({ length: 200 }, (_, term) => term).filter((term) => random() < 4 / (term + 30)),
    }));
    builder.addFile({ path: `${file}.js`, sizeBytes: 0, modifiedMs: 0 }, chunks);
  }
  return builder.finish();
}

describe('search', () => {
  const segment = manyChunks();
  const query = Array.from({ length: 200 }, (_, term): WeightedTerm => ({ term, weight: 0.72 ** (term % 16) }));

  it('finds with its budget of postings what adding up every term finds', () => {
    const hits = search({ ...everything, segments: [segment], query });
    // One term at a time stays within the budget; together they are the whole query.
    const sums = new Map<number, number>();
    for (const one of query) {
      for (const { chunk, score } of search({ ...everything, segments: [segment], query: [one], count: 6000 })) {
        sums.set(chunk, (sums.get(chunk) ?? 0) + score);
      }
    }
    const best = [...sums].toSorted((a, b) => b[1] - a[1]).slice(0, 10);
    expect(segment.postings.length).toBeGreaterThan(45_000);
    expect(hits.map(({ chunk }) => chunk)).toEqual(best.map(([chunk]) => chunk));
    expect(hits.map(({ score }) => score.toFixed(3))).toEqual(best.map(([, score]) => score.toFixed(3)));
  });

  it('leaves out files that are gone', () => {
    const [best] = search({ ...everything, segments: [segment], query });
    const gone = segment.chunkFile[best?.chunk ?? 0];
    const hits = search({ ...everything, segments: [segment], query, alive: (_, file) => file !== gone });
    expect(hits).toHaveLength(10);
    expect(hits.map(({ chunk }) => segment.chunkFile[chunk])).not.toContain(gone);
  });
});
