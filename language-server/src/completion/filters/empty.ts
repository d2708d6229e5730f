import { isBlank, lineAfter, trimBlanksEnd } from '../lines.ts';
import { type Filter, keep, withhold } from './filter.ts';

/** Blanks at the end go, unless more of the line follows, from which they keep the text apart. */
export const empty: Filter = (completion, { suffix }) => {
  if (isBlank(completion)) return withhold('empty');
  if (!isBlank(lineAfter(suffix))) return keep;
  const text = trimBlanksEnd(completion);
  return text === completion ? keep : { kind: 'change', text };
};
