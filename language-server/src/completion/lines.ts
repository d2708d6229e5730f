/** Lines, indentation and character boundaries, as the stop rules and the filters see them. */

/** Longest piece of the cursor's line that is looked at, in UTF-16 units. */
const maxLine = 4000;

/** The cursor's line up to the cursor. */
export function lineBefore(prefix: string): string {
  const tail = prefix.slice(-maxLine);
  return tail.slice(Math.max(tail.lastIndexOf('\n'), tail.lastIndexOf('\r')) + 1);
}

/** The cursor's line from the cursor on, without blanks at its end. */
export function lineAfter(suffix: string): string {
  return trimBlanksEnd(firstLine(suffix.slice(0, maxLine)));
}

function firstLine(text: string): string {
  const end = text.search(/[\r\n]/);
  return end < 0 ? text : text.slice(0, end);
}

/** The first lines with content below the cursor's line, at most `count`, without blanks at their ends. */
export function linesBelow(suffix: string, count: number): readonly string[] {
  const window = suffix.slice(0, maxLine + 200 * count);
  const below = window.slice(firstLine(window).length);
  return contentLines(below).slice(0, count);
}

/** The last lines with content above the cursor's line, nearest last. */
export function linesAbove(prefix: string, count: number): readonly string[] {
  const window = prefix.slice(-(maxLine + 200 * count));
  const above = window.slice(0, window.length - lineBefore(window).length);
  return contentLines(above).slice(-count);
}

export function contentLines(text: string): readonly string[] {
  return text
    .split(/\r\n|\n|\r/)
    .map(trimBlanksEnd)
    .filter((line) => line !== '');
}

export function indentOf(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

/** Columns that an indentation takes; a tab goes to the next multiple of four, so that mixed files still compare. */
export function widthOf(indent: string): number {
  let width = 0;
  for (const character of indent) width = character === '\t' ? width - (width % 4) + 4 : width + 1;
  return width;
}

export function isBlank(text: string): boolean {
  return /^[ \t\r\n\f\v]*$/.test(text);
}

/** Without blanks and line ends at its end; other white space of Unicode may be meant. */
export function trimBlanksEnd(text: string): string {
  let end = text.length;
  while (end > 0 && isBlank(text[end - 1] ?? '')) end--;
  return text.slice(0, end);
}

export function isWord(character: string | undefined): boolean {
  return character !== undefined && /^[\p{L}\p{N}_$]/u.test(character);
}

/** Whether the text may be cut here without splitting a character that a person sees as one. */
export function isCharacterBoundary(text: string, at: number): boolean {
  if (at <= 0 || at >= text.length) return true;
  const before = text.charCodeAt(at - 1);
  if (before >= 0xd800 && before <= 0xdbff) return false;
  if (text[at - 1] === '\u200d') return false;
  return !/^[\p{M}\p{Emoji_Modifier}\u200d]/u.test(text.slice(at, at + 2));
}

/** Without what more tokens may still complete: a half-decoded character, half a surrogate pair. */
export function withoutUnfinishedCharacter(text: string): string {
  return text.replace(/\uFFFD+$|[\uD800-\uDBFF]$/, '');
}

/** The text up to its first line with content, once that line's end is written. */
export function completeFirstLine(text: string): string | undefined {
  return /^\s*\S[^\n]*(?=\n)/.exec(text)?.[0];
}
