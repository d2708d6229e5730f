import { type Git, ownEmail } from './git.ts';

export interface BlamedLine {
  readonly isOwn: boolean;
  /** When its author wrote it; undefined where it is not committed. */
  readonly authoredAtMs: number | undefined;
}

/**
 * Who wrote each line of a file whose text is now `text`, as git knows it. What is not committed is the developer's own.
 * Undefined where git knows nothing of the file: then all of it is theirs.
 */
export async function blame(
  git: Git,
  folder: string,
  path: string,
  text: string,
  signal: AbortSignal,
  range?: { readonly fromLine: number; readonly toLine: number },
): Promise<readonly BlamedLine[] | undefined> {
  const lines = range === undefined ? [] : ['-L', `${range.fromLine + 1},${range.toLine}`];
  const output = await git(
    folder,
    ['blame', '--line-porcelain', '--contents', '-', ...lines, '--', path],
    signal,
    text,
  );
  if (output === undefined) return undefined;
  return parsePorcelain(output, await ownEmail(git, folder, signal));
}

export function parsePorcelain(output: string, email: string | undefined): readonly BlamedLine[] {
  const lines: BlamedLine[] = [];
  let isUncommitted = false;
  let mail = '';
  let timeMs = 0;
  for (const line of output.split('\n')) {
    if (line.startsWith('\t')) {
      const isOwn = isUncommitted || (email !== undefined && mail === email.toLowerCase());
      lines.push({ isOwn, authoredAtMs: isUncommitted ? undefined : timeMs });
    } else if (/^[0-9a-f]{40,64} \d+ \d+/.test(line)) {
      isUncommitted = /^0+ /.test(line);
    } else if (line.startsWith('author-mail ')) {
      mail = line.slice('author-mail '.length).replace(/^<|>$/g, '').toLowerCase();
    } else if (line.startsWith('author-time ')) {
      timeMs = Number(line.slice('author-time '.length)) * 1000;
    }
  }
  return lines;
}
