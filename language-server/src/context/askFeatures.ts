import type { Candidate, Shown } from './candidates.ts';
import { definedNames } from './chunkTerms.ts';
import { identifiersOf } from './terms.ts';

export interface AskInput {
  readonly shown: Shown;
  /** What would enter the prompt, in any order. */
  readonly chosen: readonly Candidate[];
}

/** In the order of `askFeatures`. */
export const featureNames = [
  'bestScore',
  'scoreGap',
  'shownLines',
  'lineStart',
  'sameLineAbove',
  'linesInCommon',
  'definesMentioned',
  'newNames',
  'sameFile',
  'namesNearby',
  'unknownNames',
  'completesWord',
] as const;

const nearLines = 3;

/** What says cheaply whether the chunks will help: numbers of about the size of one. */
export function askFeatures({ shown, chosen }: AskInput): number[] {
  const byScore = chosen.toSorted((a, b) => b.score - a.score);
  const [best, second] = byScore;
  const lines = shown.before.split('\n');
  const current = lines.at(-1) ?? '';
  const above = lines.slice(0, -1).filter(hasContent);
  const near = [...above.slice(-nearLines), current].join('\n');
  const chunkLines = new Set(chosen.flatMap(({ text }) => text.split('\n').map((line) => line.trim())));
  const nearNames = new Set(identifiersOf(near));
  const shownNames = new Set(identifiersOf(shown.before));
  const chunkNames = new Set(chosen.flatMap(({ text }) => identifiersOf(text)));
  const defined = new Set(chosen.flatMap(({ text }) => definedNames(text)));
  const shownDefined = new Set(definedNames(shown.before));
  const mentioned = [...nearNames].filter((name) => defined.has(name) && !shownDefined.has(name));
  const last = above.at(-1)?.trim();
  return [
    Math.log1p(best?.score ?? 0) / 4,
    best === undefined ? 0 : 1 - (second?.score ?? 0) / Math.max(best.score, 1e-6),
    Math.log1p(lines.length) / 4,
    current.trim() === '' ? 1 : 0,
    last !== undefined && chunkLines.has(last) ? 1 : 0,
    share(above.slice(-nearLines), (line) => chunkLines.has(line.trim())),
    Math.min(2, mentioned.length) / 2,
    share([...chunkNames], (name) => !shownNames.has(name)),
    chosen.some(({ path }) => path === shown.path) ? 1 : 0,
    share([...nearNames], (name) => chunkNames.has(name)),
    share([...nearNames], (name) => countOf(shown.before, name) < 2 && chunkNames.has(name)),
    completes(current, chunkNames, shownNames) ? 1 : 0,
  ];
}

/** Whether the word that is being typed begins a name that only the chunks have. */
function completes(line: string, chunkNames: ReadonlySet<string>, shownNames: ReadonlySet<string>): boolean {
  const begun = /[\p{L}_$][\p{L}\p{N}_$]{2,}$/u.exec(line)?.[0];
  if (begun === undefined) return false;
  const goesOn = (name: string): boolean => name.length > begun.length && name.startsWith(begun);
  return [...chunkNames].some(goesOn) && ![...shownNames].some(goesOn);
}

function share<T>(items: readonly T[], has: (item: T) => boolean): number {
  return items.length === 0 ? 0 : items.filter(has).length / items.length;
}

function countOf(text: string, name: string): number {
  let count = 0;
  for (let at = text.indexOf(name); at >= 0 && count < 3; at = text.indexOf(name, at + name.length)) count++;
  return count;
}

const hasContent = (line: string): boolean => /\w/.test(line);
