import { languageOf } from '../languages.ts';
import { continueIn, step, unclosedAfter } from '../lex.ts';
import { isBlank, trimBlanksEnd } from '../lines.ts';
import { lexedBefore } from '../mode.ts';
import { cutAt, type Filter, keep } from './filter.ts';

/**
 * Cuts at the first bracket that closes nothing: its partner is not open before the cursor, or the document closes it
 * already after the cursor. Brackets in strings and comments do not count.
 */
export const unbalanced: Filter = (completion, context) => {
  const { suffix, languageId } = context;
  const language = languageOf(languageId);
  if (language.brackets === '' || !/[)\]}]/.test(completion)) return keep;
  const lexed = lexedBefore(context);
  if (lexed.state.stack.at(-1)?.kind === 'comment') return keep;
  const state = continueIn(lexed.state, 0);
  let missing = unclosedAfter(lexed, suffix, language);
  let own = state.stack.length;
  for (let at = 0; at < completion.length; ) {
    const next = step(completion, at, state, language);
    const below = own - state.stack.length;
    if (state.token === 'closeAcross' || (below > 0 && state.token === 'close' && missing < 1))
      return cutBefore(completion, at);
    // Where the window does not reach back to the document's start, a bracket on a line of its own gets the benefit of the doubt.
    if (
      state.token === 'closeNothing' &&
      !(lexed.truncated && isBlank(completion.slice(completion.lastIndexOf('\n', at) + 1, at)))
    ) {
      return cutBefore(completion, at);
    }
    if (below > 0) {
      missing -= below;
      own = state.stack.length;
    }
    at = next;
  }
  return keep;
};

function cutBefore(completion: string, at: number): ReturnType<Filter> {
  return cutAt(completion, trimBlanksEnd(completion.slice(0, at)).length, 'unbalanced');
}
