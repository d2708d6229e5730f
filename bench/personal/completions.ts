import { heal } from '../../language-server/src/completion/heal.ts';
import { completionMode } from '../../language-server/src/completion/mode.ts';
import { createPhraseCache, type PhraseCache } from '../../language-server/src/completion/phraseCache.ts';
import { createStopRule } from '../../language-server/src/completion/stop.ts';
import type { AdapterUse } from '../../language-server/src/engine/adapters.ts';
import type { Engine } from '../../language-server/src/engine/engine.ts';
import type { CompletionCase } from '../corpora/corpus.ts';
import { mean, percentile, rounded } from '../lib/measure.ts';
import { createRandom } from '../lib/random.ts';
import { writtenLine } from '../lib/writtenLine.ts';

/** What was said for a case, beside what the author wrote. */
export interface CaseScore {
  readonly exact: boolean;
  readonly similarity: number;
  /** Characters of the target that the suggestion has right from its beginning. */
  readonly kept: number;
}

/** Tokens before the cursor. */
const promptTokens = 384;
const mostTokens = 40;

/** By the model alone, and with the author's phrases mixed in. */
export interface TwoScores {
  readonly plain: readonly CaseScore[];
  readonly withPhrases: readonly CaseScore[];
}

/** Completes each case's line greedily, healed and ended as in the product. */
export async function completeCases(
  engine: Engine,
  cases: readonly CompletionCase[],
  adapters: readonly AdapterUse[],
  phrases: PhraseCache,
  signal: AbortSignal,
): Promise<TwoScores> {
  const outcome = await engine.setAdapters(adapters);
  if (!outcome.ok) throw new Error(outcome.message);
  const [plain, withPhrases]: [CaseScore[], CaseScore[]] = [[], []];
  for (const each of cases) {
    signal.throwIfAborted();
    // One after the other, since the second finds the prompt evaluated.
    plain.push(score(await completeLine(engine, each, undefined, signal), each.target));
    withPhrases.push(score(await completeLine(engine, each, phrases, signal), each.target));
  }
  return { plain, withPhrases };
}

async function completeLine(
  engine: Engine,
  { prefix, suffix }: CompletionCase,
  phrases: PhraseCache | undefined,
  signal: AbortSignal,
): Promise<string> {
  const { prompt, required } = heal(prefix);
  const tokens = engine.tokenize(prompt).slice(-promptTokens);
  const mode = completionMode({ prefix, suffix, languageId: 'javascript', multiline: 'never' });
  const stop = createStopRule({ mode, prefix, suffix, languageId: 'javascript', maxLines: 1 });
  const likely = phrases === undefined ? {} : { likely: phrases.likely };
  const said = await writtenLine(engine, { tokens, required, maxTokens: mostTokens, ...likely }, stop, signal);
  return said.split('\n')[0]?.trimEnd() ?? '';
}

export function phrasesOf(texts: readonly string[], tokens: number, engine: Pick<Engine, 'tokenize'>): PhraseCache {
  const cache = createPhraseCache();
  let left = tokens;
  for (const text of texts) {
    const part = engine.tokenize(text).slice(0, left);
    cache.add(part);
    left -= part.length;
    if (left <= 0) break;
  }
  return cache;
}

export function score(said: string, target: string): CaseScore {
  let kept = 0;
  while (kept < said.length && kept < target.length && said[kept] === target[kept]) kept++;
  const longest = Math.max(said.length, target.length);
  return { exact: said === target, similarity: longest === 0 ? 1 : 1 - editDistance(said, target) / longest, kept };
}

/** Levenshtein's distance in UTF-16 units. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/** Mean of the differences of paired values, with the 95 % interval of a bootstrap over the pairs. */
export function pairedGain(before: readonly number[], after: readonly number[]) {
  const differences = before.map((value, i) => (after[i] ?? value) - value);
  const random = createRandom(11);
  const means = Array.from({ length: 2000 }, () =>
    mean(differences.map(() => differences[Math.floor(random() * differences.length)] ?? 0)),
  );
  const ends = [percentile(means, 0.025), percentile(means, 0.975)] as const;
  return { gain: rounded(mean(differences), 4), ci: ends.map((end) => rounded(end, 4)) };
}
