import { indentOf, isBlank, lineBefore, widthOf } from '../lines.ts';
import { type Filter, keep, withhold } from './filter.ts';

/**
 * On a blank line, a completion must not begin with another one: the line ends go, and of the indentation what the
 * cursor's line has already. What begins further left than the cursor belongs elsewhere.
 */
export const leadingBlank: Filter = (completion, { prefix }) => {
  const lead = /^(?:[ \t]*\r?\n)+/.exec(completion)?.[0];
  const before = lineBefore(prefix);
  if (lead === undefined || !isBlank(before)) return keep;
  const body = completion.slice(lead.length);
  if (isBlank(body)) return withhold('empty');
  const indent = indentOf(body);
  const deeper = widthOf(indent) - widthOf(before);
  if (deeper < 0) return withhold('dedent');
  const extra = indent.startsWith(before) ? indent.slice(before.length) : ' '.repeat(deeper);
  return { kind: 'change', text: extra + body.slice(indent.length) };
};
