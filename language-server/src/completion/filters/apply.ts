import type { NoSuggestionReason } from '#protocol/trace.ts';
import { lexedBefore } from '../mode.ts';
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
  { name: 'repetition', filter: repetition },
  { name: 'dedent', filter: dedent },
  { name: 'unbalanced', filter: unbalanced },
  { name: 'secret', filter: secret },
  { name: 'empty', filter: empty },
];

export interface Filtered {
  /** What to offer; null where it is withheld. */
  readonly text: string | null;
  readonly reason?: NoSuggestionReason;
  readonly applied: readonly { readonly name: string; readonly effect: 'changed' | 'withheld' }[];
}

/** A cut can bare what an earlier filter minds, so the filters run until the text stays; each cut makes it shorter. */
export function applyFilters(completion: string, place: FilterContext): Filtered {
  const context = { ...place, lexed: lexedBefore(place) };
  const changed = new Set<string>();
  let text = completion;
  for (let before: string | undefined; before !== text; ) {
    before = text;
    for (const { name, filter } of filters) {
      const verdict = filter(text, context);
      if (verdict.kind === 'keep') continue;
      if (verdict.kind === 'withhold') {
        return { text: null, reason: verdict.reason, applied: [...effects(changed), { name, effect: 'withheld' }] };
      }
      changed.add(name);
      text = verdict.text;
    }
  }
  return { text, applied: effects(changed) };
}

function effects(changed: ReadonlySet<string>): Filtered['applied'] {
  return [...changed].map((name) => ({ name, effect: 'changed' }));
}
