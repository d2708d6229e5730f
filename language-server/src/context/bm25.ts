import { postingsOf, type Segment } from './segment.ts';

/** BM25 (Robertson and Zaragoza, 2009, equation 3.15) with its usual constants; chunks differ little in length. */
const k1 = 1.2;
const b = 0.6;
/** Terms in more than this share of the chunks say nothing of a place. */
const commonShare = 0.15;
/** Rare terms are looked up first; the rest is left out when so many postings have been read, so that time is bounded. */
const postingsBudget = 120_000;

export interface WeightedTerm {
  readonly term: number;
  readonly weight: number;
}

export interface Hit {
  readonly segment: Segment;
  readonly chunk: number;
  readonly score: number;
}

export interface SearchInput {
  readonly segments: readonly Segment[];
  readonly alive: (segment: Segment, file: number) => boolean;
  readonly query: readonly WeightedTerm[];
  readonly count: number;
}

interface Lookup {
  readonly impact: number;
  /** By segment, [from, to). */
  readonly ranges: readonly (readonly [number, number])[];
}

/** The best chunks for a weighted query, best first. */
export function search({ segments, alive, query, count }: SearchInput): Hit[] {
  let chunks = 0;
  let length = 0;
  for (const segment of segments) {
    chunks += segment.chunkTerms.length;
    for (const terms of segment.chunkTerms) length += terms;
  }
  if (chunks === 0) return [];
  const shortest = k1 * (1 - b);
  const perTerm = (k1 * b * chunks) / length;
  const lookups = chooseLookups(segments, query, chunks);
  const best: Hit[] = [];
  let worst = 0;
  for (const [s, segment] of segments.entries()) {
    const { postings, chunkTerms } = segment;
    const scores = new Float32Array(chunkTerms.length);
    for (const { impact, ranges } of lookups) {
      const [from, to] = ranges[s] ?? [0, 0];
      for (let p = from; p < to; p++) {
        const posting = postings[p] ?? 0;
        const chunk = posting >>> 6;
        const times = posting & 63;
        const norm = shortest + perTerm * (chunkTerms[chunk] ?? 0);
        scores[chunk] = (scores[chunk] ?? 0) + (impact * times * (k1 + 1)) / (times + norm);
      }
    }
    for (let chunk = 0; chunk < scores.length; chunk++) {
      const score = scores[chunk] ?? 0;
      if (score <= worst || !alive(segment, segment.chunkFile[chunk] ?? 0)) continue;
      const at = best.findIndex((hit) => hit.score < score);
      best.splice(at < 0 ? best.length : at, 0, { segment, chunk, score });
      if (best.length > count) best.pop();
      if (best.length === count) worst = best.at(-1)?.score ?? 0;
    }
  }
  return best;
}

function chooseLookups(segments: readonly Segment[], query: readonly WeightedTerm[], chunks: number): Lookup[] {
  const found: (Lookup & { readonly frequency: number })[] = [];
  for (const { term, weight } of query) {
    const ranges = segments.map((segment) => postingsOf(segment, term));
    const frequency = ranges.reduce((sum, [from, to]) => sum + to - from, 0);
    if (frequency === 0 || (frequency > chunks * commonShare && chunks > 50)) continue;
    const rarity = Math.log(1 + (chunks - frequency + 0.5) / (frequency + 0.5));
    found.push({ impact: weight * rarity, ranges, frequency });
  }
  found.sort((a, b) => a.frequency - b.frequency);
  let left = postingsBudget;
  return found.filter(({ frequency }) => {
    left -= frequency;
    return left >= 0;
  });
}
