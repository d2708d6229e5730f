import { spawn } from 'node:child_process';

/** Undefined where git is missing, says no, or takes too long. */
export type Git = (
  folder: string,
  args: readonly string[],
  signal: AbortSignal,
  input?: string,
) => Promise<string | undefined>;

const patienceMs = 20_000;
const largestOutputBytes = 64 << 20;

/** Runs git without asking anybody anything, and without the repository's own programs. */
export const runGit: Git = (folder, args, signal, input) =>
  new Promise((resolve) => {
    const child = spawn('git', ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null', ...args], {
      cwd: folder,
      env: { ...process.env, GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]),
      stdio: ['pipe', 'pipe', 'ignore'],
      windowsHide: true,
    });
    const pieces: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (piece: Buffer) => {
      size += piece.length;
      if (size > largestOutputBytes) child.kill();
      else pieces.push(piece);
    });
    child.on('error', () => resolve(undefined));
    child.on('close', (code) => resolve(code === 0 ? Buffer.concat(pieces).toString('utf8') : undefined));
    // A git that ends early does not read on.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
  });

/** The e-mail that this repository's commits are made under; undefined where there is none. */
export async function ownEmail(git: Git, folder: string, signal: AbortSignal): Promise<string | undefined> {
  const email = (await git(folder, ['config', 'user.email'], signal))?.trim();
  return email === undefined || email === '' ? undefined : email;
}
