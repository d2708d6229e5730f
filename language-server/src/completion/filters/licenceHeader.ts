import { languageOf } from '../languages.ts';
import { continueIn, step } from '../lex.ts';
import { lineBefore, linesAbove, trimBlanksEnd } from '../lines.ts';
import { lexedBefore } from '../mode.ts';
import { cutAt, type Filter, keep } from './filter.ts';

const wording =
  /copyright\s+(?:\(c\)|©|\d{4}|by\b)|©\s*\d{4}|SPDX-License-Identifier|\blicen[sc]ed\s+(?:under|to)\b|all rights reserved|permission is hereby granted|redistribution and use in source|\b(?:GNU (?:General|Lesser|Affero)|Mozilla Public|Apache|MIT|BSD) Licen[sc]e\b|terms of the [\w ]*licen[sc]e|without warrant(?:y|ies)|provided ["“]?as is/i;

/** Models have read many files that begin with one. Nobody wants another's licence, unless they began to write one themselves. */
export const licenceHeader: Filter = (completion, context) => {
  const { prefix, languageId } = context;
  const found = wording.exec(completion);
  if (found === null) return keep;
  if (/copyright|licen[sc]e|SPDX/i.test([...linesAbove(prefix, 6), lineBefore(prefix)].join('\n'))) return keep;

  const language = languageOf(languageId);
  const state = continueIn(lexedBefore(context).state, 0);
  for (let at = 0; at < found.index; ) at = step(completion, at, state, language);
  if (state.stack.at(-1)?.kind !== 'comment') return keep;
  const kept = trimBlanksEnd(completion.slice(0, state.lastCode + 1));
  return cutAt(completion, kept.length, 'licenceHeader');
};
