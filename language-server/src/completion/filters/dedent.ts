import { languageOf } from '../languages.ts';
import { isCode } from '../lex.ts';
import { indentOf, isBlank, lineBefore, widthOf } from '../lines.ts';
import { lexedBefore } from '../mode.ts';
import { createStopRule } from '../stop.ts';
import { contentLinesOf, cutAt, type Filter, type FilterContext, keep, withhold } from './filter.ts';

/** Cuts what has left the block in which the cursor is; a line that only closes brackets may stand further left. */
export const dedent: Filter = (completion, context) => {
  if (context.mode.mode === 'block') {
    const stop = createStopRule({ ...context, maxLines: Number.POSITIVE_INFINITY })(`${completion}\n`);
    if (stop === null || stop.why !== 'block' || stop.text.length >= completion.trimEnd().length) return keep;
    return cutAt(completion, stop.text.length, 'dedent');
  }
  const next = contentLinesOf(completion).find((line) => line.start > 0);
  if (next === undefined) return keep;
  const indent = statementIndent(context);
  if (indent === undefined || widthOf(indentOf(next.text)) >= widthOf(indent)) return keep;
  if (closesOnly(next.text.trim(), context.languageId)) return keep;
  return isBlank(completion.slice(0, next.start))
    ? withhold('dedent')
    : cutAt(completion, completion.slice(0, next.start).trimEnd().length, 'dedent');
};

/** Indentation of the statement before the cursor; undefined where it is a continuation, which may stand anywhere. */
function statementIndent(context: FilterContext): string | undefined {
  const { prefix, languageId } = context;
  const language = languageOf(languageId);
  if (language.blocks === 'none' || isBlank(lineBefore(prefix))) return undefined;
  const { state, window } = lexedBefore(context);
  // After a comment, its own line counts.
  const isComment =
    !isCode(state) || state.codeStart > state.lastCode || window.slice(state.lastCode + 1).includes('\n');
  const start = isComment ? window.length - lineBefore(window).length : state.codeStart;
  const statement = window.slice(start);
  return /^\s*[.?:&|+*/-]/.test(statement) && !isComment ? undefined : indentOf(statement);
}

function closesOnly(line: string, languageId: string): boolean {
  return (
    /^[\])}]+[;,]*$/.test(line) ||
    (languageOf(languageId).words?.closes.test(line) ?? false) ||
    /^(?:case|default)\b/.test(line)
  );
}
