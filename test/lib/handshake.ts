import { createConnection, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  encodeLine,
  type Greeting,
  greetingSchema,
  maxHandshakeBytes,
  protocolVersion,
  type Reply,
} from '#protocol/handshake.ts';

/** A socket on which the handshake is done: what follows is LSP. */
export interface Joined {
  readonly socket: Socket;
  readonly greeting: Greeting;
}

export interface JoinOptions {
  readonly address: string;
  /** The server's own version by default, so that it takes us for a window of its release. */
  readonly version?: string;
  readonly reply?: Reply['argot'];
  readonly token?: string;
  /** How long to wait for a server that does not listen yet. */
  readonly patienceMs?: number;
  /** Called between attempts; a text means that waiting is in vain, and why. */
  readonly hopeless?: () => string | undefined;
  readonly signal?: AbortSignal;
}

/** Connects, reads the greeting and answers it. */
export async function join(options: JoinOptions): Promise<Joined> {
  const socket = await connectPatiently(options);
  const line = await readLine(socket, options.signal);
  const greeting = greetingSchema.parse(JSON.parse(line));
  const reply: Reply = {
    argot: options.reply ?? 'join',
    protocol: protocolVersion,
    version: options.version ?? greeting.version,
    ...(options.token === undefined ? {} : { token: options.token }),
  };
  socket.write(encodeLine(reply));
  return { socket, greeting };
}

/** Connects to the socket without a handshake, waiting until somebody listens there. */
export async function connectPatiently(options: JoinOptions): Promise<Socket> {
  const deadline = performance.now() + (options.patienceMs ?? 10_000);
  for (;;) {
    options.signal?.throwIfAborted();
    const attempt = await connectOnce(options.address);
    if (attempt.ok) return attempt.socket;
    const reason = options.hopeless?.();
    if (reason !== undefined) throw new Error(`The language server ended before it listened: ${reason}`);
    if (performance.now() > deadline) throw new Error(`Nobody listens on ${options.address}: ${attempt.error.message}`);
    await sleep(10, undefined, { signal: options.signal });
  }
}

type Attempt = { readonly ok: true; readonly socket: Socket } | { readonly ok: false; readonly error: Error };

function connectOnce(address: string): Promise<Attempt> {
  return new Promise((resolve) => {
    const socket = createConnection(address);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve({ ok: true, socket });
    });
    socket.once('error', (error) => resolve({ ok: false, error }));
  });
}

/** Reads up to the first newline; what came after it stays in the socket for the reader that follows. */
export function readLine(socket: Socket, signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const finish = (result: string | Error): void => {
      socket.off('data', onData);
      socket.off('close', onClose);
      socket.off('error', finish);
      signal?.removeEventListener('abort', onAbort);
      socket.pause();
      if (typeof result === 'string') resolve(result);
      else reject(result);
    };
    const onClose = (): void => finish(new Error('The server closed the connection before it sent a whole line.'));
    const onAbort = (): void => finish(new Error('Waiting for the server was cancelled.'));
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      const received = Buffer.concat(chunks);
      const newline = received.indexOf(10);
      if (newline >= 0) {
        const rest = received.subarray(newline + 1);
        finish(received.toString('utf8', 0, newline));
        if (rest.length > 0) socket.unshift(rest);
      } else if (received.length > maxHandshakeBytes) {
        finish(new Error(`The server sent ${received.length} bytes without a newline.`));
      }
    };
    socket.on('data', onData);
    socket.once('close', onClose);
    socket.once('error', finish);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
