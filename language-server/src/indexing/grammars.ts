import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Language, Parser as ParserType } from '@vscode/tree-sitter-wasm';
import { chunkLines, chunkTree, type LineRange } from '../context/chunker.ts';

/** Cuts a file's text into pieces, by its language's grammar where there is one. */
export interface Chunker {
  chunk(path: string, text: string): Promise<LineRange[]>;
}

const grammarByExtension: Readonly<Record<string, string>> = {
  js: 'javascript',
  cjs: 'javascript',
  mjs: 'javascript',
  jsx: 'javascript',
  ts: 'typescript',
  mts: 'typescript',
  cts: 'typescript',
  tsx: 'tsx',
  py: 'python',
  pyi: 'python',
  go: 'go',
  rs: 'rust',
  java: 'java',
  rb: 'ruby',
  php: 'php',
  cs: 'c-sharp',
  c: 'cpp',
  h: 'cpp',
  cc: 'cpp',
  cpp: 'cpp',
  cxx: 'cpp',
  hh: 'cpp',
  hpp: 'cpp',
  css: 'css',
  scss: 'css',
  sh: 'bash',
  bash: 'bash',
  ps1: 'powershell',
  psm1: 'powershell',
};

/** WebAssembly memory grows to the largest tree and is never given back; so large a file is cut by lines. */
const largestParsedUnits = 64 * 1024;
/** A parse that takes longer is given up: such a file is odd, and lines serve it as well. */
const parseMs = 400;

export function createChunker(log: (message: string) => void): Chunker {
  const require = createRequire(import.meta.url);
  // The package is CommonJS and finds its grammars beside itself: it stays outside the bundles.
  const entry = require.resolve('@vscode/tree-sitter-wasm');
  const library: typeof import('@vscode/tree-sitter-wasm') = require(entry);
  const languages = new Map<string, Language | undefined>();
  let parser: ParserType | undefined;

  async function languageOf(path: string): Promise<Language | undefined> {
    const name = grammarByExtension[path.slice(path.lastIndexOf('.') + 1).toLowerCase()];
    if (name === undefined) return undefined;
    if (languages.has(name)) return languages.get(name);
    const loaded = await library.Language.load(join(dirname(entry), `tree-sitter-${name}.wasm`)).catch(
      (error: unknown) => {
        log(`The grammar of ${name} can't be loaded, its files are cut by lines: ${String(error)}`);
        return undefined;
      },
    );
    languages.set(name, loaded);
    return loaded;
  }

  return {
    async chunk(path, text) {
      if (parser === undefined) {
        await library.Parser.init({ locateFile: (file: string) => join(dirname(entry), file) });
        parser = new library.Parser();
      }
      const lines = text.split('\n');
      const language = await languageOf(path);
      if (language === undefined || text.length > largestParsedUnits) return chunkLines(lines);
      try {
        const ranges = parsed(parser, language, text, lines.length);
        if (ranges.length > 0) return ranges;
      } catch (error) {
        // WebAssembly that failed once is in an unknown state.
        parser = undefined;
        log(`A file could not be parsed and is cut by lines: ${String(error)}`);
      }
      return chunkLines(lines);
    },
  };
}

/** Nothing where the parse was given up. */
function parsed(parser: ParserType, language: Language, text: string, lineCount: number): LineRange[] {
  parser.setLanguage(language);
  const deadline = performance.now() + parseMs;
  const tree = parser.parse(text, undefined, { progressCallback: () => performance.now() > deadline });
  if (tree === null) {
    parser.reset();
    return [];
  }
  const ranges = chunkTree(tree.rootNode, lineCount);
  tree.delete();
  return ranges;
}
