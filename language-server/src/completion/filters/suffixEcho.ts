import { indentOf, isBlank, lineBefore, linesBelow, trimBlanksEnd, widthOf } from '../lines.ts';
import { createStopRule } from '../stop.ts';
import { contentLinesOf, cutAt, type Filter, type FilterContext, isTelling, keep, type Line } from './filter.ts';

/** Lines after the cursor that are compared. */
const comparedLines = 16;

/** Cuts what stands after the cursor already: the rest of its line, or the lines below. */
export const suffixEcho: Filter = (completion, context) => {
  const below = linesBelow(context.suffix, comparedLines);
  const echo = echoedLine(completion, context, below);
  if (echo !== undefined) return cutAt(completion, trimBlanksEnd(completion.slice(0, echo.start)).length, 'suffixEcho');
  if (context.mode.mode === 'block') return keep;
  const stop = createStopRule({ ...context, maxLines: 1 })(`${completion}\n`);
  return stop?.why === 'suffix' && stop.text.length < completion.length
    ? cutAt(completion, stop.text.length, 'suffixEcho')
    : keep;
};

/** The first line with which the completion goes over into the lines below: to its end, or for two lines and more. */
function echoedLine(completion: string, { prefix }: FilterContext, below: readonly string[]): Line | undefined {
  const before = lineBefore(prefix);
  const lines = contentLinesOf(completion);
  return lines.find((line, index) => {
    const isWhole = line.start > 0 || isBlank(before);
    const first = below[0];
    if (!isWhole || first === undefined) return false;
    const rest = lines.slice(index);
    let same = 0;
    while (same < rest.length && same < below.length && isSame(rest[same], below[same], before)) same++;
    if (same < rest.length && same < 2) return false;
    return same > 0 && (below.slice(0, same).some(isTelling) || isSameIndent(line, first, before));
  });
}

function isSame(line: Line | undefined, below: string | undefined, before: string): boolean {
  if (line === undefined || below === undefined || line.text.trim() !== below.trim()) return false;
  return isTelling(below) || isSameIndent(line, below, before);
}

function isSameIndent(line: Line, below: string, before: string): boolean {
  const own = line.start === 0 ? before + line.text : line.text;
  return widthOf(indentOf(own)) === widthOf(indentOf(below));
}
