import { lstat, readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { homedir, tmpdir, userInfo } from 'node:os';
import { type Address, folderComplaint, type Machine } from '#protocol/address.ts';
import {
  encodeLine,
  type Greeting,
  greetingSchema,
  judgeGreeting,
  maxHandshakeBytes,
  protocolVersion,
  type Reply,
} from '#protocol/handshake.ts';

/** How one attempt to reach the server ended. */
export type Contact =
  | { readonly kind: 'joined'; readonly socket: Socket; readonly greeting: Greeting }
  /** Nobody listens: a server may be started. */
  | { readonly kind: 'absent' }
  /** A server is there but leaves, or was asked to: try again in a moment. */
  | { readonly kind: 'leaving' }
  /** Trying again won't help before somebody acts on `message`. */
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly message: string };

export type RefusalCode = 'foreign' | 'folder' | 'reloadWindow';

/** Long enough for a server that is loading a model on a slow machine, short enough to tell a stranger from it. */
const greetingTimeoutMs = 5000;

export function thisMachine(): Machine {
  const user = userInfo();
  return {
    platform: process.platform,
    env: process.env,
    uid: user.uid < 0 ? undefined : user.uid,
    userName: user.username,
    userHome: homedir(),
    temporary: tmpdir(),
  };
}

/** What this window wants of the server: to work with it, or that it ends and makes room for a new one. */
export type Wish = Reply['argot'];

/** Connects once, checks who answers, and joins or asks it to drain; the socket of a joined server is paused until its reader calls `resume()`, and the next byte on it is LSP. */
export async function contact(
  address: Address,
  version: string,
  uid: number | undefined,
  signal: AbortSignal,
  wish: Wish = 'join',
): Promise<Contact> {
  const complaint = await addressComplaint(address, uid);
  if (complaint === 'absent') return { kind: 'absent' };
  if (complaint !== undefined) return { kind: 'refused', code: 'folder', message: complaint };
  const socket = connect(address.path);
  const abandon = (): void => void socket.destroy();
  signal.addEventListener('abort', abandon, { once: true });
  try {
    return await greet(socket, address, version, wish);
  } finally {
    signal.removeEventListener('abort', abandon);
  }
}

async function greet(socket: Socket, address: Address, version: string, wish: Wish): Promise<Contact> {
  const line = await readLine(socket);
  if (line.kind === 'failed') {
    socket.destroy();
    return contactAfter(line.code, address);
  }
  const greeting = line.kind === 'line' ? parseGreeting(line.text) : undefined;
  if (greeting === undefined) {
    socket.destroy();
    return { kind: 'refused', code: 'foreign', message: foreignMessage(address) };
  }
  const verdict = judgeGreeting(greeting, version);
  if (verdict === 'reloadWindow' && wish === 'join') {
    socket.destroy();
    return {
      kind: 'refused',
      code: 'reloadWindow',
      message: `Argot ${greeting.version} is running, and this window still has version ${version}. Reload the window.`,
    };
  }
  const answer = wish === 'join' && verdict === 'join' ? 'join' : 'drain';
  const token = address.kind === 'pipe' ? await readToken(address.tokenFile) : undefined;
  const reply: Reply = {
    argot: answer,
    protocol: protocolVersion,
    version,
    ...(token === undefined ? {} : { token }),
  };
  if (answer === 'join') {
    socket.write(encodeLine(reply));
    return { kind: 'joined', socket, greeting };
  }
  socket.on('error', () => socket.destroy());
  socket.resume();
  socket.end(encodeLine(reply));
  return { kind: 'leaving' };
}

type Line =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'tooLong' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'failed'; readonly code: string };

function readLine(socket: Socket): Promise<Line> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const done = (line: Line): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('error', onError).off('close', onClose);
      // What is left must survive the destruction of a socket whose peer resets it.
      socket.on('error', () => undefined);
      socket.pause();
      resolve(line);
    };
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      const all = Buffer.concat(chunks);
      const end = all.indexOf(0x0a);
      if (end > maxHandshakeBytes || (end < 0 && all.length > maxHandshakeBytes)) {
        done({ kind: 'tooLong' });
      } else if (end >= 0) {
        done({ kind: 'line', text: all.toString('utf8', 0, end) });
        if (all.length > end + 1) socket.unshift(all.subarray(end + 1));
      }
    };
    const onError = (error: NodeJS.ErrnoException): void => done({ kind: 'failed', code: error.code ?? 'unknown' });
    const onClose = (): void => done({ kind: 'failed', code: 'closed' });
    const timer = setTimeout(() => done({ kind: 'silent' }), greetingTimeoutMs);
    socket.on('data', onData).on('error', onError).on('close', onClose);
  });
}

function contactAfter(code: string, address: Address): Contact {
  switch (code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return { kind: 'absent' };
    case 'EACCES':
    case 'EPERM':
      return {
        kind: 'refused',
        code: 'folder',
        message: `Argot may not open its own address ${address.path}. Remove it, then run “Argot: Restart Language Server”.`,
      };
    default:
      return { kind: 'leaving' };
  }
}

function parseGreeting(text: string): Greeting | undefined {
  try {
    return greetingSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

async function addressComplaint(address: Address, uid: number | undefined): Promise<string | undefined> {
  if (address.kind === 'pipe') return undefined;
  try {
    const stat = await lstat(address.folder);
    return folderComplaint(address.folder, { isDirectory: stat.isDirectory(), uid: stat.uid, mode: stat.mode }, uid);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'absent';
    return `Argot can't look into ${address.folder}: ${error instanceof Error ? error.message : String(error)}.`;
  }
}

async function readToken(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch {
    // The server says that the token is missing, and closes.
    return undefined;
  }
}

function foreignMessage(address: Address): string {
  return `Another program answers at Argot's address ${address.path}. End that program, then run “Argot: Restart Language Server”.`;
}
