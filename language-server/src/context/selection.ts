import { type Candidate, type Shown, withoutRepetition } from './candidates.ts';

export interface SelectionInput {
  readonly candidates: readonly Candidate[];
  readonly shown: Shown;
  /** What the prompt has now, in its order; it stays while it is good enough. */
  readonly current: readonly Candidate[];
  readonly budgetTokens: number;
  readonly countTokens: (text: string) => number;
}

/** A chunk stays while it scores at least this share of what would take its place: a change costs the KV prefix. */
const stayShare = 0.9;
/** Tokens of a file's header beside its path. */
const headerTokens = 4;
const fewestLines = 3;
const mostUnitsAToken = 8;

/**
 * The chunks for the prompt, within the budget, those that are there already first and in their order, so that the KV
 * prefix survives as far as it can; among new ones the best stands last, nearest the cursor.
 */
export function selectChunks(input: SelectionInput): Candidate[] {
  const fresh = withoutRepetition(input.candidates, input.shown);
  const best = fill(fresh, input);
  const worst = Math.min(...best.map(({ score }) => score));
  const scores = new Map(fresh.map((candidate) => [keyOf(candidate), candidate.score]));
  const stays = input.current.filter((candidate) => (scores.get(keyOf(candidate)) ?? -1) >= worst * stayShare);
  if (stays.length === 0) return best.toReversed();
  const keys = new Set(stays.map(keyOf));
  const chosen = fill([...stays, ...fresh.filter((candidate) => !keys.has(keyOf(candidate)))], input);
  const isNew = (candidate: Candidate): boolean => !keys.has(keyOf(candidate));
  return [...chosen.filter((candidate) => !isNew(candidate)), ...chosen.filter(isNew).toReversed()];
}

export function sameChunks(a: readonly Candidate[], b: readonly Candidate[]): boolean {
  return (
    a.length === b.length && a.every((candidate, i) => candidate.text === b[i]?.text && candidate.path === b[i]?.path)
  );
}

/** In their order while they fit; the first is cut at its end when it alone is too long. */
function fill(candidates: readonly Candidate[], { budgetTokens, countTokens }: SelectionInput): Candidate[] {
  const chosen: Candidate[] = [];
  let left = budgetTokens;
  for (const candidate of candidates) {
    // Counting tokens is what selection costs: what is surely too long is not counted.
    if (chosen.length > 0 && candidate.text.length > left * mostUnitsAToken) continue;
    const header = countTokens(candidate.path) + headerTokens;
    const fitting = chosen.length === 0 ? cut(candidate, left - header, countTokens) : trimmed(candidate);
    if (fitting === undefined) continue;
    const cost = countTokens(fitting.text) + header;
    if (cost > left) continue;
    left -= cost;
    chosen.push(fitting);
  }
  return chosen;
}

function cut(candidate: Candidate, budget: number, countTokens: (text: string) => number): Candidate | undefined {
  const { text, ...rest } = trimmed(candidate);
  const lines = text.split('\n');
  let used = 0;
  let count = 0;
  while (count < lines.length) {
    used += countTokens(`${lines[count] ?? ''}\n`);
    if (used > budget) break;
    count++;
  }
  return count < Math.min(fewestLines, lines.length) ? undefined : { ...rest, text: lines.slice(0, count).join('\n') };
}

function trimmed(candidate: Candidate): Candidate {
  const text = candidate.text.replace(/\s+$/, '');
  return text === candidate.text ? candidate : { ...candidate, text };
}

const keyOf = ({ path, start }: Candidate): string => `${path}:${start}`;
