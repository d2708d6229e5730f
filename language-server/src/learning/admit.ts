import { URI } from 'vscode-uri';
import { rejectText } from '../context/indexable.ts';
import { admits } from '../indexing/walk.ts';
import { blame } from './blame.ts';
import { contentHashOf, type Example, type ExampleKind, kindWeights, repositoryId } from './example.ts';
import type { Git } from './git.ts';
import { licenceLines } from './hygiene/licence.ts';
import type { HasSecret } from './hygiene/secrets.ts';
import { around, cut, type LineRange, linesAfter, linesBefore, linesFarBefore, linesOf, reachingUp } from './window.ts';

/** What a suggestion became, with the document that it stands in. */
export interface Candidate {
  readonly id: string;
  readonly kind: ExampleKind;
  readonly uri: string;
  readonly languageId: string;
  /** The innermost workspace folder; without one nothing is learned. */
  readonly folder: { readonly uri: string; readonly name: string } | undefined;
  /** Relative to the folder. */
  readonly path: string;
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly atMs: number;
}

/** Why nothing is learned from a candidate. */
export type NotLearned =
  | 'noFolder'
  | 'path'
  | 'generated'
  | 'minified'
  | 'large'
  | 'binary'
  | 'licence'
  | 'others'
  | 'long'
  | 'empty'
  | 'secret';

export type Admission =
  | { readonly kind: 'example'; readonly example: Example }
  | { readonly kind: 'not'; readonly reason: NotLearned };

export interface HygieneDeps {
  readonly git: Git;
  readonly hasSecret: HasSecret;
  /** By the user's and the policy's patterns. */
  readonly excluded: (uri: string) => boolean;
}

export interface AdmitDeps extends HygieneDeps {
  /** Whether a line is not in an example of its file yet. */
  readonly isFresh: (line: string) => boolean;
}

/** The developer's own lines around a place, if they may be learned from. Reads the repository; never runs while a key waits. */
export async function admit(candidate: Candidate, deps: AdmitDeps, signal: AbortSignal): Promise<Admission> {
  const { folder, path, text, start, end } = candidate;
  const uri = URI.parse(candidate.uri);
  if (folder === undefined || uri.scheme !== 'file') return not('noFolder');
  const root = URI.parse(folder.uri).fsPath;
  const excluded = (): boolean => deps.excluded(candidate.uri);
  if (!(await admits(root, path, excluded))) return not('path');
  const rejected = rejectText(text);
  if (rejected !== undefined) return not(isNamed(rejected) ? rejected : 'path');

  const span = linesOf(text, start, end);
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  const licence = licenceLines(lines);
  if (span.from < licence) return not('licence');
  const own = await ownLines(candidate, root, lines, span, deps.git, signal);
  const mayUse = (line: number): boolean => line >= licence && own(line);
  const window = around(span, lines.length, mayUse);
  if (window === undefined) return not('others');
  const near = cut(text, start, end, window);
  if (near === undefined) return not('long');
  if (near.text.trim() === '') return not('empty');
  if (await deps.hasSecret(near.text)) return not('secret');
  const far = cut(text, start, end, reachingUp(window, lines, mayUse, deps.isFresh));
  // A secret far above costs what is far above.
  const piece = far === undefined || far.text === near.text || (await deps.hasSecret(far.text)) ? near : far;
  return {
    kind: 'example',
    example: {
      id: candidate.id,
      kind: candidate.kind,
      repository: repositoryId(folder),
      path,
      languageId: candidate.languageId,
      ...piece,
      weight: kindWeights[candidate.kind],
      createdAtMs: candidate.atMs,
      contentHash: contentHashOf(piece.text, piece.spanStart, piece.spanEnd),
    },
  };
}

/** Blank lines are nobody's. */
async function ownLines(
  { path, text }: Candidate,
  root: string,
  lines: readonly string[],
  span: LineRange,
  git: Git,
  signal: AbortSignal,
): Promise<(line: number) => boolean> {
  const fromLine = Math.max(0, span.from - linesBefore - linesFarBefore);
  // A line feed at the end begins a line that git does not count.
  const counted = lines.at(-1) === '' ? lines.length - 1 : lines.length;
  const toLine = Math.min(counted, span.to + linesAfter);
  if (toLine <= fromLine) return () => true;
  const blamed = await blame(git, root, path, text, signal, { fromLine, toLine });
  if (blamed === undefined) return () => true;
  return (line) => lines[line]?.trim() === '' || blamed[line - fromLine]?.isOwn === true;
}

function not(reason: NotLearned): Admission {
  return { kind: 'not', reason };
}

function isNamed(reason: string): reason is 'generated' | 'minified' | 'large' | 'binary' {
  return reason === 'generated' || reason === 'minified' || reason === 'large' || reason === 'binary';
}
