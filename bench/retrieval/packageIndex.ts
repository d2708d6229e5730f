import type { Candidate } from '../../language-server/src/context/candidates.ts';
import { chunkTerms } from '../../language-server/src/context/chunkTerms.ts';
import { type QueryText, queryTerms } from '../../language-server/src/context/query.ts';
import { createRepositoryIndex } from '../../language-server/src/context/repositoryIndex.ts';
import { textHash } from '../../language-server/src/context/textHash.ts';
import type { Chunker } from '../../language-server/src/indexing/grammars.ts';
import type { RetrievalCase } from './cases.ts';

/** A package's files in an index of the product, in memory. */
export interface PackageIndex {
  /** A file's text as it is now. */
  put(path: string, text: string): Promise<void>;
  find(text: QueryText, count: number): readonly Candidate[];
}

export async function createPackageIndex(chunker: Chunker, files: ReadonlyMap<string, string>): Promise<PackageIndex> {
  const index = createRepositoryIndex();
  const texts = new Map<string, readonly string[]>();

  async function put(path: string, text: string): Promise<void> {
    const lines = text.split('\n');
    const ranges = await chunker.chunk(path, text);
    const chunks = ranges.map(({ start, end }) => {
      const piece = lines.slice(start, end).join('\n');
      return { start, end, hash: textHash(piece), terms: chunkTerms(piece, path) };
    });
    texts.set(path, lines);
    index.put({ path, sizeBytes: 0, modifiedMs: 0 }, chunks);
  }

  for (const [path, text] of files) await put(path, text);
  index.seal();
  return {
    async put(path, text) {
      await put(path, text);
      index.seal();
    },
    find(text, count) {
      return index.search(queryTerms(text), count).map(({ path, start, end, score }) => {
        return { path, start, end, score, text: (texts.get(path) ?? []).slice(start, end).join('\n') };
      });
    },
  };
}

/** The chunks that the product's index gives for a case: its package, with the rest of the line hidden. */
export async function searchPackage(
  chunker: Chunker,
  made: RetrievalCase,
  count: number,
): Promise<{ readonly found: readonly Candidate[]; readonly searchMs: number }> {
  const files = new Map(made.others.map(({ path, text }) => [path, text]));
  files.set(made.path, made.before + made.after);
  const index = await createPackageIndex(chunker, files);
  const began = performance.now();
  const found = index.find({ before: made.before.slice(-4000), after: made.after.slice(0, 4000) }, count);
  return { found, searchMs: performance.now() - began };
}
