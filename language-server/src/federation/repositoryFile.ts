import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export type RepositoryFile =
  | { readonly kind: 'text'; readonly text: string; readonly path: string }
  | { readonly kind: 'none' }
  /** `message`: a sentence for the person. */
  | { readonly kind: 'unreadable'; readonly message: string };

/** Larger than any real one. */
const largestBytes = 64 * 1024;

/** A small file that a repository may have, by its path there. */
export async function readRepositoryFile(
  repository: string,
  name: string,
  signal: AbortSignal,
): Promise<RepositoryFile> {
  const path = join(repository, name);
  try {
    const text = await readFile(path, { encoding: 'utf8', signal });
    return text.length > largestBytes
      ? { kind: 'unreadable', message: `${path} is too large.` }
      : { kind: 'text', text, path };
  } catch (error) {
    signal.throwIfAborted();
    const isAbsent = error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
    return isAbsent ? { kind: 'none' } : { kind: 'unreadable', message: `${path} cannot be read: ${String(error)}` };
  }
}
