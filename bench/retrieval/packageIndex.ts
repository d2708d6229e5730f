import type { Candidate } from '../../language-server/src/context/candidates.ts';
import { chunkTerms } from '../../language-server/src/context/chunkTerms.ts';
import { queryTerms } from '../../language-server/src/context/query.ts';
import { createRepositoryIndex } from '../../language-server/src/context/repositoryIndex.ts';
import { textHash } from '../../language-server/src/context/textHash.ts';
import type { Chunker } from '../../language-server/src/indexing/grammars.ts';
import type { RetrievalCase } from './cases.ts';

/** The chunks that the product's index gives for a case: its package, with the rest of the line hidden. */
export async function searchPackage(
  chunker: Chunker,
  made: RetrievalCase,
  count: number,
): Promise<{ readonly found: readonly Candidate[]; readonly searchMs: number }> {
  const index = createRepositoryIndex();
  const files = new Map(made.others.map(({ path, text }) => [path, text]));
  files.set(made.path, made.before + made.after);
  for (const [path, text] of files) {
    const lines = text.split('\n');
    const chunks = (await chunker.chunk(path, text)).map(({ start, end }) => {
      const piece = lines.slice(start, end).join('\n');
      return { start, end, hash: textHash(piece), terms: chunkTerms(piece, path) };
    });
    index.put({ path, sizeBytes: 0, modifiedMs: 0 }, chunks);
  }
  index.seal();
  const began = performance.now();
  const hits = index.search(queryTerms({ before: made.before.slice(-4000), after: made.after.slice(0, 4000) }), count);
  const searchMs = performance.now() - began;
  const found = hits.map(({ path, start, end, score }) => {
    const text = (files.get(path) ?? '').split('\n').slice(start, end).join('\n');
    return { path, start, end, text, score };
  });
  return { found, searchMs };
}
