import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { sha256 } from '#protocol/federation/signedMessage.ts';
import { rejectText } from '../language-server/src/context/indexable.ts';
import { walk } from '../language-server/src/indexing/walk.ts';
import { licenceLines } from '../language-server/src/learning/hygiene/licence.ts';
import { createSecretScanner } from '../language-server/src/learning/hygiene/secrets.ts';

/** Pieces of files, and how many files they come from. */
export interface CodePieces {
  readonly texts: readonly string[];
  readonly files: number;
}

export interface PublicCode {
  readonly train: CodePieces;
  /** Of other files than `train`. */
  readonly heldOut: CodePieces;
}

/** So that many files have their say. */
const mostOfFile = 4000;
/** One name in so many is held out. */
const heldOutEvery = 5;
const noPiece = { texts: [], files: 0 };

/**
 * Code under the folders, as far as `characters` of each kind: no packages inside packages, nothing generated, minified or
 * secret, no licence headers. The same files give the same pieces, in an order that follows no folder's.
 */
export async function readPublicCode(
  folders: readonly string[],
  characters: { readonly train: number; readonly heldOut: number },
  signal: AbortSignal,
): Promise<PublicCode> {
  const found: { readonly path: string; readonly stem: string; readonly order: string }[] = [];
  for (const folder of folders) {
    if (!(await stat(folder).catch(() => undefined))?.isDirectory()) throw new Error(`${folder} is not a folder.`);
    for await (const path of walk(folder, () => false, signal)) {
      found.push({ path: join(folder, path), stem: stemOf(path), order: hashOf(path) });
    }
  }
  signal.throwIfAborted();
  const inOrder = found.toSorted((a, b) => (a.order < b.order ? -1 : 1));
  // By name without extension: the same module is often there once for each module system.
  const stems = [...new Set(inOrder.map(({ stem }) => stem))].toSorted((a, b) => (hashOf(a) < hashOf(b) ? -1 : 1));
  const aside = new Set(stems.filter((_, i) => i % heldOutEvery === 0));
  const heldOut = inOrder.filter(({ stem }) => aside.has(stem)).map(({ path }) => path);
  const train = inOrder.filter(({ stem }) => !aside.has(stem)).map(({ path }) => path);
  return {
    train: await piecesFrom(train, characters.train, signal),
    heldOut: await piecesFrom(heldOut, characters.heldOut, signal),
  };
}

async function piecesFrom(paths: readonly string[], characters: number, signal: AbortSignal): Promise<CodePieces> {
  const hasSecret = createSecretScanner([]);
  const texts = new Set<string>();
  let left = characters;
  for (const path of paths) {
    if (left <= 0) break;
    const text = await readFile(path, { encoding: 'utf8', signal }).catch(() => '');
    signal.throwIfAborted();
    if (rejectText(text) !== undefined) continue;
    const piece = pieceOf(text, path);
    if (piece.trim() === '' || texts.has(piece) || (await hasSecret(piece))) continue;
    texts.add(piece);
    left -= piece.length;
  }
  return texts.size === 0 ? noPiece : { texts: [...texts], files: texts.size };
}

/** Whole lines from somewhere in a long file: their beginnings are much alike. */
function pieceOf(text: string, path: string): string {
  const lines = text.split('\n');
  const code = lines.slice(licenceLines(lines)).join('\n');
  if (code.length <= mostOfFile) return code;
  const share = Number.parseInt(hashOf(basename(path)).slice(0, 8), 16) / 2 ** 32;
  const from = code.indexOf('\n', Math.floor(share * (code.length - mostOfFile))) + 1;
  return code.slice(from, code.lastIndexOf('\n', from + mostOfFile) + 1);
}

function stemOf(path: string): string {
  return basename(path).replace(/\..*$/, '');
}

function hashOf(text: string): string {
  return Buffer.from(sha256(new Uint8Array(Buffer.from(text)))).toString('hex');
}
