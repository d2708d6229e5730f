import { isBlank, lineBefore, linesAbove } from '../lines.ts';
import {
  contentLinesOf,
  cutAt,
  type Filter,
  type FilterContext,
  isTelling,
  keep,
  type Line,
  type Verdict,
  withhold,
} from './filter.ts';

/** A piece of a line, with a letter or digit in it, this many times in a row is a loop. */
const loop = /((?=[^\n]{0,39}\p{L})[^\n]{2,40}?)\1{3,}/u;
/** Shorter loops occur in good code. */
const shortestLoop = 24;
/** Lines of a cycle that is looked for. */
const longestCycle = 4;

/** Cuts where the completion goes round in a circle; withholds what only says the lines above again. */
export const repetition: Filter = (completion, context) => {
  const above = repeatsAbove(completion, context);
  if (above !== undefined) return above;
  const lines = contentLinesOf(completion);
  const again = cycleStart(lines);
  if (again !== undefined) return cutAt(completion, completion.slice(0, again.start).trimEnd().length, 'repetition');
  const found = loop.exec(completion);
  if (found === null || found[0].length < shortestLoop) return keep;
  // A row of data, such as `'', '', ''`, is a loop that may be meant; one of words is not.
  return /\p{L}{2}/u.test(found[1] ?? '') ? withhold('repetition') : keep;
};

/** The line with which a cycle of lines begins its second turn; a single line must come three times. */
function cycleStart(lines: readonly Line[]): Line | undefined {
  for (let start = 0; start < lines.length; start++) {
    for (let length = 1; length <= longestCycle; length++) {
      const turns = length === 1 ? 3 : 2;
      if (start + length * turns > lines.length) break;
      const cycle = lines.slice(start, start + length);
      if (!cycle.some((line) => isTelling(line.text))) continue;
      if (isCycle(lines.slice(start, start + length * turns), length)) return lines[start + length];
    }
  }
  return undefined;
}

function isCycle(lines: readonly Line[], length: number): boolean {
  return lines.every((line, index) => index < length || line.text === lines[index - length]?.text);
}

function repeatsAbove(completion: string, { prefix }: FilterContext): Verdict | undefined {
  const lines = contentLinesOf(completion);
  const isWhole = isBlank(lineBefore(prefix)) || (lines[0]?.start ?? 0) > 0;
  if (!isWhole || lines.length === 0) return undefined;
  const current = isBlank(lineBefore(prefix)) ? [] : [lineBefore(prefix)];
  const above = [...linesAbove(prefix, lines.length + 8), ...current].map((line) => line.trim());
  const written = lines.map((line) => line.text.trim());
  if (!written.some(isTelling)) return undefined;
  const isCopy = written.every((line, index) => line === above.at(index - written.length));
  return isCopy ? withhold('repetition') : undefined;
}
