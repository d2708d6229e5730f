import { identifiersOf } from '../../language-server/src/context/terms.ts';
import { completionCases } from '../corpora/cases.ts';
import type { AuthorCorpus, SourceFile } from '../corpora/corpus.ts';

export type Split = 'train' | 'valid' | 'test';

/** A line of a package to be completed, with the package as it is around it. */
export interface RetrievalCase {
  readonly id: string;
  readonly author: string;
  readonly package: string;
  readonly path: string;
  /** The file before the cursor and after the line's end. */
  readonly before: string;
  readonly after: string;
  readonly target: string;
  /** The package's other files in the split. */
  readonly others: readonly SourceFile[];
}

/** As many cases as asked for from each author, at the lines that `bench/corpora` chooses. */
export function retrievalCases(corpora: readonly AuthorCorpus[], split: Split, each: number): RetrievalCase[] {
  return corpora.flatMap((corpus) => {
    const files = corpus[split];
    const cases = split === 'test' ? corpus.cases : completionCases(corpus.author, files);
    return cases.slice(0, each).flatMap((made): RetrievalCase[] => {
      const file = files.find(({ package: name, path }) => name === made.package && path === made.path);
      const at = file?.text.indexOf(made.prefix + made.target + made.suffix) ?? -1;
      if (file === undefined || at < 0) return [];
      const cursor = at + made.prefix.length;
      return [
        {
          id: `${split}/${made.id}`,
          author: corpus.author,
          package: made.package,
          path: made.path,
          before: file.text.slice(0, cursor),
          after: file.text.slice(cursor + made.target.length),
          target: made.target,
          others: files.filter(({ package: name, path }) => name === made.package && path !== made.path),
        },
      ];
    });
  });
}

/**
 * Identifiers of the target that the shown text before the cursor lacks, and that the package has elsewhere: in another
 * file, or in a part of this one that is not shown.
 */
export function newIdentifiers({ before, after, target, others }: RetrievalCase, shown: string): string[] {
  const known = new Set(identifiersOf(shown));
  const fresh = [...new Set(identifiersOf(target))].filter((name) => !known.has(name) && name.length > 2);
  if (fresh.length === 0) return [];
  const hidden = before.slice(0, Math.max(0, before.length - shown.length));
  const elsewhere = new Set([hidden, after, ...others.map(({ text }) => text)].flatMap(identifiersOf));
  return fresh.filter((name) => elsewhere.has(name));
}
