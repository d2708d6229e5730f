import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { AdapterUse } from '../../language-server/src/engine/adapters.ts';
import type { Engine } from '../../language-server/src/engine/engine.ts';
import type { AuthorCorpus } from '../corpora/corpus.ts';
import { mean, rounded } from '../lib/measure.ts';
import { type CaseScore, completeCases, pairedGain, phrasesOf, type TwoScores } from './completions.ts';

const scoresSchema = z.array(z.object({ exact: z.boolean(), similarity: z.number(), kept: z.number() }));
const twoScoresSchema = z.object({ plain: scoresSchema, withPhrases: scoresSchema });

export const caseRowNames = ['base', 'own', 'basePhrases', 'ownPhrases'] as const;
type CaseRowName = (typeof caseRowNames)[number];
/** The same cases of one author, completed in four ways; `Phrases` mixes the author's own n-grams in at decoding. */
export type AuthorCases = Readonly<Record<CaseRowName, readonly CaseScore[]>> & { readonly author: string };

export interface CaseDeps {
  readonly engine: Engine;
  readonly cache: string;
  readonly cases: number;
  /** Of the author's training text that the phrases are taken from. */
  readonly phraseTokens: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

export async function authorCases(
  deps: CaseDeps,
  { author, train, cases }: AuthorCorpus,
  own: readonly AdapterUse[],
): Promise<AuthorCases> {
  const chosen = cases.slice(0, deps.cases);
  const texts = train.map(({ text }) => text);
  const phrases = phrasesOf(texts, deps.phraseTokens, deps.engine);
  const scores = async (name: 'base' | 'own', adapters: readonly AdapterUse[]): Promise<TwoScores> => {
    const about = ['healed', chosen, adapters.map(({ path, scale }) => [basename(path), scale]), deps.phraseTokens];
    const key = createHash('sha256').update(JSON.stringify(about)).digest('hex').slice(0, 24);
    const file = join(deps.cache, `cases-${key}.json`);
    const known = await readFile(file, 'utf8').catch(() => undefined);
    if (known !== undefined) return twoScoresSchema.parse(JSON.parse(known));
    const began = performance.now();
    const made = await completeCases(deps.engine, chosen, adapters, phrases, deps.signal);
    await writeFile(`${file}.part`, JSON.stringify(made));
    await rename(`${file}.part`, file);
    deps.progress(
      `completed ${author}, ${name}: ${chosen.length} cases in ${((performance.now() - began) / 1000).toFixed(0)} s`,
    );
    return made;
  };
  const base = await scores('base', []);
  const learnt = await scores('own', own);
  return { author, base: base.plain, own: learnt.plain, basePhrases: base.withPhrases, ownPhrases: learnt.withPhrases };
}

/** Gains over the base model, all authors' cases together. */
export function summariseCases(authors: readonly AuthorCases[]) {
  const all = (name: CaseRowName) => authors.flatMap((each) => each[name]);
  const base = all('base');
  const similarities = (scores: readonly CaseScore[]) => scores.map(({ similarity }) => similarity);
  const exact = (scores: readonly CaseScore[]) => scores.map((score) => (score.exact ? 1 : 0));
  const kept = (scores: readonly CaseScore[]) => scores.map((score) => score.kept);
  const similarity = pairedGain(similarities(base), similarities(all('own')));
  const exactMatch = pairedGain(exact(base), exact(all('own')));
  return {
    cases: base.length,
    editSimilarityGain: similarity.gain,
    editSimilarityGainCi: similarity.ci,
    exactMatchGain: exactMatch.gain,
    exactMatchGainCi: exactMatch.ci,
    caseRows: caseRowNames.map((name) => ({
      row: name,
      editSimilarity: rounded(mean(similarities(all(name))), 4),
      exactMatch: rounded(mean(exact(all(name))), 4),
      keptCharacters: rounded(mean(kept(all(name))), 2),
      similarityGain: pairedGain(similarities(base), similarities(all(name))),
      exactGain: pairedGain(exact(base), exact(all(name))),
      keptGain: pairedGain(kept(base), kept(all(name))),
    })),
  };
}
