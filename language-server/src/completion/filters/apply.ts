import type { NoSuggestionReason } from '#protocol/trace.ts';
import { brokenText } from './brokenText.ts';
import { dedent } from './dedent.ts';
import { empty } from './empty.ts';
import type { Filter, FilterContext } from './filter.ts';
import { leadingBlank } from './leadingBlank.ts';
import { licenceHeader } from './licenceHeader.ts';
import { repetition } from './repetition.ts';
import { secret } from './secret.ts';
import { suffixEcho } from './suffixEcho.ts';
import { unbalanced } from './unbalanced.ts';

/**
 * The order matters: what is not text goes first; what cuts comes before what judges, so that a good beginning is not
 * withheld for its bad end; `empty` sees what the others left.
 */
const filters: readonly { readonly name: string; readonly filter: Filter }[] = [
  { name: 'brokenText', filter: brokenText },
  { name: 'leadingBlank', filter: leadingBlank },
  { name: 'licenceHeader', filter: licenceHeader },
  { name: 'suffixEcho', filter: suffixEcho },
  { name: 'dedent', filter: dedent },
  { name: 'unbalanced', filter: unbalanced },
  { name: 'repetition', filter: repetition },
  { name: 'secret', filter: secret },
  { name: 'empty', filter: empty },
];

export interface Filtered {
  /** What to offer; null where it is withheld. */
  readonly text: string | null;
  readonly reason?: NoSuggestionReason;
  readonly applied: readonly { readonly name: string; readonly effect: 'changed' | 'withheld' }[];
}

export function applyFilters(completion: string, context: FilterContext): Filtered {
  const applied: { name: string; effect: 'changed' | 'withheld' }[] = [];
  let text = completion;
  for (const { name, filter } of filters) {
    const verdict = filter(text, context);
    if (verdict.kind === 'keep') continue;
    applied.push({ name, effect: verdict.kind === 'change' ? 'changed' : 'withheld' });
    if (verdict.kind === 'withhold') return { text: null, reason: verdict.reason, applied };
    text = verdict.text;
  }
  return { text, applied };
}
