import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { URI } from 'vscode-uri';
import type { HistoryPreview } from '#protocol/learning.ts';
import { rejectText } from '../context/indexable.ts';
import { admits } from '../indexing/walk.ts';
import type { HygieneDeps } from './admit.ts';
import { blame } from './blame.ts';
import { contentHashOf, type Example, kindWeights, repositoryId } from './example.ts';
import { ownEmail } from './git.ts';
import { licenceLines } from './hygiene/licence.ts';
import { languageIdOf } from './languageIdOf.ts';

export type HistoryOutcome =
  | { readonly ok: true; readonly preview: HistoryPreview; readonly examples: readonly Example[] }
  | { readonly ok: false; readonly message: string };

/** Commits looked at, newest first, and files of them. */
const mostCommits = 3000;
const mostFiles = 400;
const mostExamples = 3000;
const windowLines = 40;
/** Shorter stretches between other people's lines say little. */
const leastLines = 4;
const shownPaths = 12;

/**
 * The developer's own lines in a repository's working tree: those that git blames on their own e-mail, exactly. The same
 * hygiene holds as for examples of suggestions. Stores nothing.
 */
export async function collectHistory(
  folder: { readonly uri: string; readonly name: string },
  deps: HygieneDeps,
  signal: AbortSignal,
): Promise<HistoryOutcome> {
  const root = URI.parse(folder.uri).fsPath;
  if ((await deps.git(root, ['rev-parse', '--is-inside-work-tree'], signal))?.trim() !== 'true') {
    return { ok: false, message: `${folder.name} is no git repository, or git is not installed.` };
  }
  const email = await ownEmail(deps.git, root, signal);
  if (email === undefined) {
    const message = `Git does not know which commits in ${folder.name} are yours. Set user.email with “git config user.email”, and run this again.`;
    return { ok: false, message };
  }
  const examples: Example[] = [];
  const leftOut: Record<string, number> = {};
  const linesByPath = new Map<string, number>();
  const leave = (why: string, count = 1): void => {
    leftOut[why] = (leftOut[why] ?? 0) + count;
  };
  for (const path of await ownFiles(deps, root, email, signal)) {
    signal.throwIfAborted();
    if (examples.length >= mostExamples) break;
    const uri = pathToFileURL(join(root, path)).href;
    if (!(await admits(root, path, () => deps.excluded(uri)))) {
      leave('files that are ignored, excluded or made by tools');
      continue;
    }
    const text = await readFile(join(root, path), 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const rejected = rejectText(text);
    if (rejected !== undefined) {
      leave(`files that are ${rejected}`);
      continue;
    }
    for (const stretch of await ownStretches(deps, root, path, text, signal)) {
      const body = `${stretch.lines.join('\n')}\n`;
      if (await deps.hasSecret(body)) {
        leave('stretches with what looks like a secret');
        continue;
      }
      linesByPath.set(path, (linesByPath.get(path) ?? 0) + stretch.lines.length);
      examples.push(exampleOf(folder, path, body, stretch.authoredAtMs));
    }
  }
  const paths = [...linesByPath].sort(([, a], [, b]) => b - a).map(([path]) => path);
  const lines = [...linesByPath.values()].reduce((sum, count) => sum + count, 0);
  const counts = { files: paths.length, lines, examples: examples.length };
  return { ok: true, preview: { email, ...counts, leftOut, paths: paths.slice(0, shownPaths) }, examples };
}

/** Files that the developer's commits touched, those touched last first, relative to the folder. */
async function ownFiles(deps: HygieneDeps, root: string, email: string, signal: AbortSignal): Promise<string[]> {
  const args = ['log', '--fixed-strings', '--regexp-ignore-case', `--author=<${email}>`, '--no-merges', '--relative'];
  const output = await deps.git(
    root,
    [...args, `--max-count=${mostCommits}`, '--diff-filter=AMR', '--name-only', '--format=', '-z', '--', '.'],
    signal,
  );
  const names = (output ?? '').split('\0').map((name) => name.replace(/^\n+/, ''));
  return [...new Set(names.filter((name) => name !== ''))].slice(0, mostFiles);
}

interface Stretch {
  readonly lines: readonly string[];
  readonly authoredAtMs: number;
}

/** Committed lines of the developer alone, in windows; blank lines join what they part. */
async function ownStretches(
  deps: HygieneDeps,
  root: string,
  path: string,
  text: string,
  signal: AbortSignal,
): Promise<readonly Stretch[]> {
  const blamed = await blame(deps.git, root, path, text, signal);
  if (blamed === undefined) return [];
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  const licence = licenceLines(lines);
  const stretches: Stretch[] = [];
  let open: string[] = [];
  let newestMs = 0;
  const close = (): void => {
    while (open.at(-1)?.trim() === '') open.pop();
    if (open.filter((line) => line.trim() !== '').length >= leastLines) {
      stretches.push({ lines: open, authoredAtMs: newestMs });
    }
    open = [];
    newestMs = 0;
  };
  for (const [i, { isOwn, authoredAtMs }] of blamed.entries()) {
    const line = lines[i] ?? '';
    const isMine = i >= licence && isOwn && authoredAtMs !== undefined;
    if (!isMine && line.trim() !== '') close();
    else if (open.length > 0 || line.trim() !== '') open.push(line);
    if (isMine) newestMs = Math.max(newestMs, authoredAtMs);
    if (open.length >= windowLines) close();
  }
  close();
  return stretches;
}

function exampleOf(
  folder: { readonly uri: string; readonly name: string },
  path: string,
  text: string,
  createdAtMs: number,
): Example {
  const repository = repositoryId(folder);
  const contentHash = contentHashOf(text, 0, text.length);
  // The same stretch has the same id, however often the history is looked through.
  const id = createHash('sha256').update(`${repository}\0${path}\0${contentHash}`).digest('hex').slice(0, 32);
  const span = { text, spanStart: 0, spanEnd: text.length };
  const what = { kind: 'ownHistory' as const, weight: kindWeights.ownHistory, languageId: languageIdOf(path) };
  return { id, ...what, repository, path, ...span, createdAtMs, contentHash };
}
