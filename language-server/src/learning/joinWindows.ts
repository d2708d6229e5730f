import { isOwnLine } from './ownLine.ts';

/** Lines of one file as a window shows them, or as several do that agree where they overlap. */
export interface FileText {
  readonly file: string;
  readonly text: string;
}

/** Fewer lines than this may agree by chance; so may those that are everybody's. */
const leastOverlap = 3;
/** A window is held beside so many of its file, the newest of them. */
const comparedAtMost = 8;

/**
 * Windows of a file that overlap become one text, so that a line has before it what stood above, and not its window's
 * edge. Given oldest first; each text stands where its newest window does. Windows that differ where they overlap (the
 * code was changed in between) stay apart.
 */
export function joinWindows(windows: readonly FileText[]): FileText[] {
  let joined: { readonly file: string; readonly lines: readonly string[] }[] = [];
  for (const { file, text } of windows) {
    if (text === '') continue;
    const lines = text.replace(/\n$/, '').split('\n');
    const known = joined.filter((each) => each.file === file).slice(-comparedAtMost);
    const both = known.map((each) => ({ each, lines: unionOf(each.lines, lines) })).findLast((union) => union.lines);
    joined = [...joined.filter((each) => each !== both?.each), { file, lines: both?.lines ?? lines }];
  }
  return joined.map(({ file, lines }) => ({ file, text: `${lines.join('\n')}\n` }));
}

/** Undefined where the two do not agree; where they could in several ways, by the longest overlap. */
function unionOf(a: readonly string[], b: readonly string[]): readonly string[] | undefined {
  let best: { readonly at: number; readonly overlap: number } | undefined;
  // `at` is where b begins in a.
  for (let at = leastOverlap - b.length; at <= a.length - leastOverlap; at++) {
    const [inA, inB] = [Math.max(0, at), Math.max(0, -at)];
    const overlap = Math.min(a.length - inA, b.length - inB);
    if (overlap < leastOverlap || overlap <= (best?.overlap ?? 0)) continue;
    if (agree(a, inA, b, inB, overlap)) best = { at, overlap };
  }
  if (best === undefined) return undefined;
  const { at } = best;
  return [...b.slice(0, Math.max(0, -at)), ...a, ...b.slice(a.length - at)];
}

function agree(a: readonly string[], inA: number, b: readonly string[], inB: number, count: number): boolean {
  let own = 0;
  for (let i = 0; i < count; i++) {
    const line = a[inA + i] ?? '';
    if (line !== b[inB + i]) return false;
    if (isOwnLine(line)) own++;
  }
  return own >= leastOverlap;
}
