import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, lstatSync, mkdirSync, openSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { type Address, folderComplaint } from '#protocol/address.ts';

/** Listening, or why not; `taken` means that a server of this user already listens. */
export type ListenOutcome =
  | { readonly kind: 'listening'; readonly server: Server; readonly token: string | undefined }
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly message: string };

/** Takes the user's address. Of two servers that start at once, one listens and the other finds it taken. */
export async function listen(address: Address, onSocket: (socket: Socket) => void): Promise<ListenOutcome> {
  const complaint = prepareFolder(address);
  if (complaint !== undefined) return { kind: 'refused', message: complaint };
  return withLock(address, async () => {
    for (let attempt = 0; attempt < 3; attempt++) {
      const server = createServer(onSocket);
      const error = await tryListen(server, address.path);
      if (error === undefined) {
        if (address.kind === 'socket') chmodSync(address.path, 0o600);
        return { kind: 'listening', server, token: writeToken(address) };
      }
      if (error.code !== 'EADDRINUSE')
        return { kind: 'refused', message: `Cannot listen on ${address.path}: ${error.message}.` };
      if (await answers(address.path)) return { kind: 'taken' };
      // Left behind by a server that was killed: nobody answers there.
      if (address.kind === 'socket') removeStale(address.path);
    }
    return { kind: 'taken' };
  });
}

const lockPauseMs = 20;
/** Taking the address takes milliseconds: an older lock belongs to a process that was killed. */
const staleLockMs = 5_000;

/** Two servers that both find a dead socket must not remove each other's new one. */
async function withLock(address: Address, take: () => Promise<ListenOutcome>): Promise<ListenOutcome> {
  if (address.kind === 'pipe') return take();
  const lock = `${address.path}.lock`;
  for (;;) {
    try {
      closeSync(openSync(lock, 'wx', 0o600));
      break;
    } catch (error) {
      if (!isErrno(error, 'EEXIST'))
        return { kind: 'refused', message: `Cannot write to ${address.folder}: ${String(error)}.` };
      const age = Date.now() - (lstatSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > staleLockMs) rmSync(lock, { force: true });
      else await new Promise((resolve) => setTimeout(resolve, lockPauseMs));
    }
  }
  try {
    return await take();
  } finally {
    rmSync(lock, { force: true });
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function prepareFolder(address: Address): string | undefined {
  const folder = address.kind === 'socket' ? address.folder : dirname(address.tokenFile);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (address.kind === 'pipe') return undefined;
    const stat = lstatSync(folder);
    return folderComplaint(
      folder,
      { isDirectory: stat.isDirectory(), uid: stat.uid, mode: stat.mode },
      process.getuid?.(),
    );
  } catch (error) {
    return `Cannot use the folder ${folder}: ${error instanceof Error ? error.message : String(error)}. Set ARGOT_HOME to a folder that you can write to.`;
  }
}

function tryListen(server: Server, path: string): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    server.once('error', resolve);
    server.listen(path, () => {
      server.off('error', resolve);
      resolve(undefined);
    });
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
}

function removeStale(path: string): void {
  try {
    if (lstatSync(path).isSocket()) unlinkSync(path);
  } catch {
    // Somebody else removed it first; the next attempt tells.
  }
}

/** A pipe's name is public, so a client must show that it can read a file of this user. */
function writeToken(address: Address): string | undefined {
  if (address.kind === 'socket') return undefined;
  const token = randomBytes(32).toString('hex');
  writeFileSync(address.tokenFile, token, { mode: 0o600 });
  return token;
}
