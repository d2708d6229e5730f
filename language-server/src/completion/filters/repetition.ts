import { isBlank, lineBefore, linesAbove } from '../lines.ts';
import { cycleAtEnd, isTelling } from '../loops.ts';
import {
  contentLinesOf,
  cutAt,
  type Filter,
  type FilterContext,
  keep,
  type Line,
  type Verdict,
  withhold,
} from './filter.ts';

/** A piece of a line, with a letter or digit in it, this many times in a row is a loop. */
const loop = /((?=[^\n]{0,39}\p{L})[^\n]{2,40}?)\1{3,}/u;
/** Shorter loops occur in good code. */
const shortestLoop = 16;
/** What rows of data consist of. */
const literals = /\b(?:true|false|null|undefined|none|nil)\b/gi;
/** From so many words on, a line of which less than this share are different says nothing. */
const babbleWords = 20;
const babbleShare = 0.4;

/** Cuts where the completion goes round in a circle; withholds what only says the lines above again. */
export const repetition: Filter = (completion, context) => {
  const above = repeatsAbove(completion, context);
  if (above !== undefined) return above;
  const lines = contentLinesOf(completion);
  const again = cycleStart(lines);
  if (again !== undefined) return cutAt(completion, completion.slice(0, again.start).trimEnd().length, 'repetition');
  if (lines.some((line) => isBabble(line.text))) return withhold('repetition');
  const found = loop.exec(completion);
  if (found === null || found[0].length < shortestLoop) return keep;
  // A row of data, such as `'', '', ''`, is a loop that may be meant; one of words is not.
  return /\p{L}{2}/u.test(found[0].replace(literals, '')) ? withhold('repetition') : keep;
};

/** The line with which a cycle of lines begins its second turn. */
function cycleStart(lines: readonly Line[]): Line | undefined {
  const texts = lines.map((line) => line.text);
  for (let end = 1; end <= lines.length; end++) {
    const length = cycleAtEnd(texts.slice(0, end));
    if (length !== undefined) return lines[end - length * (length === 1 ? 2 : 1)];
  }
  return undefined;
}

/** A long line that has few words and says them again and again. */
function isBabble(line: string): boolean {
  const words = line.match(/\p{L}[\p{L}\p{N}_]*/gu) ?? [];
  return words.length >= babbleWords && new Set(words).size < words.length * babbleShare;
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
