import { lowerBound, postingsOf, type Segment } from './segment.ts';

/** BM25 (Robertson and Zaragoza, 2009, equation 3.15) with its usual constants; chunks differ little in length. */
const k1 = 1.2;
const b = 0.6;
/** Terms in more than this share of the chunks say nothing of a place. */
const commonShare = 0.15;
/**
 * Time is bounded: the terms that can add most are added up for every chunk, as many as have so many postings together, and the
 * others for so many of the best chunks alone. At 100,000 chunks the ten best are those that adding up everything finds.
 */
const postingsBudget = 30_000;
const candidateCount = 200;

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
  readonly frequency: number;
  /** By segment, [from, to) in its postings. */
  readonly ranges: readonly Range[];
}
type Range = readonly [number, number];

/** The best chunks for a weighted query, best first. */
export function search({ segments, alive, query, count }: SearchInput): Hit[] {
  const chunks = segments.reduce((sum, { chunkTerms }) => sum + chunkTerms.length, 0);
  if (chunks === 0) return [];
  const perTerm = (k1 * b * chunks) / segments.reduce((sum, segment) => sum + termsIn(segment), 0);
  const { first, later } = withinBudget(lookUp(segments, query, chunks));
  const found: Hit[] = [];
  const wanted = later.length === 0 ? count : Math.max(count, candidateCount);
  for (const [s, segment] of segments.entries()) {
    const scores = new Float32Array(segment.chunkTerms.length);
    for (const { impact, ranges } of first) addToAll(scores, segment, ranges[s] ?? nowhere, impact, perTerm);
    keepBest(found, wanted, segment, scores, alive);
  }
  if (later.length === 0) return found;
  const rescored = found.map((hit): Hit => {
    const s = segments.indexOf(hit.segment);
    let { score } = hit;
    for (const { impact, ranges } of later) {
      score += impact * saturated(postingOf(hit, ranges[s] ?? nowhere), hit.segment, perTerm);
    }
    return { ...hit, score };
  });
  return rescored.sort((x, y) => y.score - x.score).slice(0, count);
}

function addToAll(scores: Float32Array, segment: Segment, [from, to]: Range, impact: number, perTerm: number): void {
  const { postings } = segment;
  for (let p = from; p < to; p++) {
    const posting = postings[p] ?? 0;
    const chunk = posting >>> 6;
    scores[chunk] = (scores[chunk] ?? 0) + impact * saturated(posting, segment, perTerm);
  }
}

/** How much a term counts for a chunk that has it so often: k1 + 1 at most. */
function saturated(posting: number, { chunkTerms }: Segment, perTerm: number): number {
  const times = posting & 63;
  const norm = k1 * (1 - b) + perTerm * (chunkTerms[posting >>> 6] ?? 0);
  return (times * (k1 + 1)) / (times + norm);
}

/** The chunk's posting in a range; 0, which counts for nothing, where it lacks the term. */
function postingOf({ segment: { postings }, chunk }: Hit, [from, to]: Range): number {
  const at = lowerBound(postings, chunk * 64, from, to);
  const posting = at < to ? (postings[at] ?? 0) : 0;
  return posting >>> 6 === chunk ? posting : 0;
}

/** Puts a segment's chunks into `best`, which keeps so many, the better before the worse and of equals the earlier. */
function keepBest(
  best: Hit[],
  count: number,
  segment: Segment,
  scores: Float32Array,
  alive: SearchInput['alive'],
): void {
  let worst = best.length < count ? 0 : (best.at(-1)?.score ?? 0);
  for (let chunk = 0; chunk < scores.length; chunk++) {
    const score = scores[chunk] ?? 0;
    if (score <= worst || !alive(segment, segment.chunkFile[chunk] ?? 0)) continue;
    best.splice(placeFor(best, score), 0, { segment, chunk, score });
    if (best.length > count) best.pop();
    if (best.length === count) worst = best.at(-1)?.score ?? 0;
  }
}

/** Behind all that score as much or more. */
function placeFor(best: readonly Hit[], score: number): number {
  let low = 0;
  let high = best.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((best[middle]?.score ?? 0) < score) high = middle;
    else low = middle + 1;
  }
  return low;
}

function termsIn({ chunkTerms }: Segment): number {
  let sum = 0;
  for (let chunk = 0; chunk < chunkTerms.length; chunk++) sum += chunkTerms[chunk] ?? 0;
  return sum;
}

/** Where the query's terms are, those first that can add most. */
function lookUp(segments: readonly Segment[], query: readonly WeightedTerm[], chunks: number): Lookup[] {
  const found: Lookup[] = [];
  for (const { term, weight } of query) {
    const ranges = segments.map((segment) => postingsOf(segment, term));
    const frequency = ranges.reduce((sum, [from, to]) => sum + to - from, 0);
    if (frequency === 0 || (frequency > chunks * commonShare && chunks > 50)) continue;
    const rarity = Math.log(1 + (chunks - frequency + 0.5) / (frequency + 0.5));
    found.push({ impact: weight * rarity, ranges, frequency });
  }
  return found.sort((x, y) => y.impact - x.impact);
}

function withinBudget(lookups: readonly Lookup[]): { readonly first: Lookup[]; readonly later: Lookup[] } {
  const first: Lookup[] = [];
  const later: Lookup[] = [];
  let left = postingsBudget;
  for (const lookup of lookups) {
    const fits = lookup.frequency <= left || first.length === 0;
    if (fits) left -= lookup.frequency;
    (fits ? first : later).push(lookup);
  }
  return { first, later };
}

const nowhere: Range = [0, 0];
