import { forEachTerm } from './terms.ts';

/** What a chunk defines is more often what is looked for than what it mentions. */
const definitionCounts = 3;
const definition =
  /(?:\b(?:function\*?|class|interface|type|enum|struct|trait|impl|module|def|fn|func|fun|sub|const|let|var|val)\s+|\b(?:exports|prototype|module\.exports)\.|^\s*(?:(?:public|private|protected|static|async|get|set|export|override)\s+)*(?=\w+\s*\([^()]*\)\s*\{))([\p{L}_$][\p{L}\p{N}_$]*)/gmu;

/** The terms of a chunk, each once for every time that it counts; the path's words count as well. */
export function chunkTerms(text: string, path: string): number[] {
  const terms: number[] = [];
  const push = (term: number): void => void terms.push(term);
  forEachTerm(text, push);
  forEachTerm(path.slice(path.lastIndexOf('/') + 1), push);
  for (const [, name = ''] of text.matchAll(definition)) {
    for (let i = 1; i < definitionCounts; i++) forEachTerm(name, push);
  }
  return terms;
}

/** Names that a text defines. */
export function definedNames(text: string): string[] {
  return Array.from(text.matchAll(definition), ([, name = '']) => name).filter((name) => name.length > 1);
}
