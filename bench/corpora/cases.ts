import { createRandom } from '../lib/random.ts';
import type { CompletionCase, SourceFile } from './corpus.ts';
import { hash } from './duplicates.ts';

const wantedCases = 150;
const prefixUnits = 2000;
const suffixUnits = 800;
const minPrefixUnits = 100;
/** Of the target, blanks not counted. */
const minTarget = 8;

/** Comments, imports and licences: what completing them shows has nothing to do with an author's habits. */
const dull =
  /\s\/\/|^(\/\/|\/\*|\*|import\b|export\b.*\bfrom\b|(const|let|var)\b.*\brequire\(|require\(|['"]use strict|[\w${}, ]*\} from\b|#!)|\brequire\(['"][^'"]+['"]\)[;,]?$|copyright|licen[sc]e/i;

interface Line {
  readonly start: number;
  readonly text: string;
}

/**
 * Lines of the test split to complete, from their indentation on (`line`) or from a word inside (`mid`), half of each.
 * Files take turns, so that long ones do not dominate; the same files give the same cases.
 */
export function completionCases(author: string, files: readonly SourceFile[]): CompletionCase[] {
  const random = createRandom(hash(author));
  const seen = new Set<string>();
  const queues = shuffled(files, random).map((file) => ({ file, lines: shuffled(lines(file.text, seen), random) }));
  const cases: CompletionCase[] = [];
  while (cases.length < wantedCases && queues.some((queue) => queue.lines.length > 0)) {
    for (const { file, lines } of queues) {
      const line = cases.length < wantedCases ? lines.pop() : undefined;
      if (line !== undefined) cases.push({ id: `${author}/${cases.length}`, ...makeCase(file, line, random) });
    }
  }
  return cases;
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list
    .map((value) => ({ value, order: random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ value }) => value);
}

/** Lines of code that are long enough and that no earlier line of the split equals. */
function lines(text: string, seen: Set<string>): Line[] {
  const found: Line[] = [];
  let start = 0;
  let inComment = false;
  for (const line of text.split('\n')) {
    const code = line.trim();
    const began = inComment;
    if (inComment) inComment = !code.includes('*/');
    else inComment = /^[^'"`]*\/\*(?!.*\*\/)/.test(code);
    const isCode = !began && !inComment && !dull.test(code) && /[A-Za-z]/.test(code);
    if (isCode && solidLength(code) >= minTarget && start >= minPrefixUnits && !seen.has(code)) {
      found.push({ start, text: line });
    }
    seen.add(code);
    start += line.length + 1;
  }
  return found;
}

function makeCase({ package: name, path, text }: SourceFile, line: Line, random: () => number) {
  const indent = line.text.search(/\S/);
  const limit = indent + (line.text.trimEnd().length - indent) * 0.6;
  const wordEnds = [...line.text.slice(indent).matchAll(/[\w$]+|\s+|[^\s\w$]/g)]
    .map((match) => indent + match.index + match[0].length)
    .filter((end) => end <= limit && solidLength(line.text.slice(end)) >= minTarget);
  const inside = random() < 0.5 ? wordEnds[Math.floor(random() * wordEnds.length)] : undefined;
  const cursor = inside ?? indent;
  return {
    package: name,
    path,
    kind: inside === undefined ? ('line' as const) : ('mid' as const),
    prefix: text.slice(0, line.start + cursor).slice(-prefixUnits),
    target: line.text.slice(cursor).trimEnd(),
    suffix: text.slice(line.start + line.text.length).slice(0, suffixUnits),
  };
}

function solidLength(text: string): number {
  return text.replace(/\s/g, '').length;
}
