import { languageOf } from '../languages.ts';
import { continueIn, step } from '../lex.ts';
import { indentOf, isBlank, lineBefore, linesBelow, trimBlanksEnd, widthOf } from '../lines.ts';
import { isTelling } from '../loops.ts';
import { lexedBefore } from '../mode.ts';
import { createStopRule } from '../stop.ts';
import { contentLinesOf, cutAt, type Filter, type FilterContext, keep, type Line } from './filter.ts';

/** Lines after the cursor that are compared. */
const comparedLines = 16;
/** How near the end of the cursor's comment or string must be to be taken for its own. */
const nearUnits = 800;

/** Cuts what stands after the cursor already: the rest of its line, or the lines below. */
export const suffixEcho: Filter = (completion, context) => {
  const below = linesBelow(context.suffix, comparedLines);
  const closer = closerThatFollows(completion, context);
  if (closer !== undefined) return cutAt(completion, trimBlanksEnd(completion.slice(0, closer)).length, 'suffixEcho');
  const echo = echoedLine(completion, context, below);
  if (echo !== undefined) return cutAt(completion, trimBlanksEnd(completion.slice(0, echo.start)).length, 'suffixEcho');
  if (context.mode.mode === 'block') return keep;
  const stop = createStopRule({ ...context, maxLines: 1 })(`${completion}\n`);
  return stop?.why === 'suffix' && stop.text.length < completion.length
    ? cutAt(completion, stop.text.length, 'suffixEcho')
    : keep;
};

/**
 * Where the completion ends the comment, or the string of several lines, in which the cursor is and which the document
 * ends soon after it.
 */
function closerThatFollows(completion: string, context: FilterContext): number | undefined {
  const lexed = lexedBefore(context);
  const top = lexed.state.stack.at(-1);
  if (top === undefined || top.kind === 'bracket') return undefined;
  const close = top.kind === 'comment' ? top.close : top.syntax.lines === 'many' ? top.syntax.close : '\n';
  const near = context.suffix.slice(0, nearUnits);
  const closed = close === '\n' ? -1 : near.indexOf(close);
  const language = languageOf(context.languageId);
  if (closed < 0 || language.blockComments.some(([open]) => open !== close && near.slice(0, closed).includes(open))) {
    return undefined;
  }
  const state = continueIn(lexed.state, 0);
  for (let at = 0; at < completion.length; ) {
    const next = step(completion, at, state, language);
    if (state.stack.length < lexed.state.stack.length) return at;
    at = next;
  }
  return undefined;
}

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
