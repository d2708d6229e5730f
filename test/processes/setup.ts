import { existsSync } from 'node:fs';
import { afterAll, beforeAll } from 'vitest';
import { type ConnectOptions, connectTo } from '../lib/client.ts';
import { createHome, type ServerOptions, startServer } from '../lib/server.ts';

/** The embedded default model; `npm test` fetches it. */
export function modelPath(): string {
  const path = process.env.ARGOT_MODEL_PATH;
  if (path === undefined || !existsSync(path))
    throw new Error('Run this test by `npm test`, which fetches the model, or set ARGOT_MODEL_PATH.');
  return path;
}

/** A server of its own, with the model or without, and everything removed at the end of the block. */
export async function ownServer(options: { models?: readonly string[] } & Pick<ServerOptions, 'env' | 'prefix'> = {}) {
  await using stack = new AsyncDisposableStack();
  const home = stack.use(await createHome(options.models ?? [modelPath()]));
  const server = stack.use(
    await startServer({
      home: home.path,
      ...(options.env === undefined ? {} : { env: options.env }),
      ...(options.prefix === undefined ? {} : { prefix: options.prefix }),
    }),
  );
  const moved = stack.move();
  return {
    home: home.path,
    server,
    connect: (more: Omit<ConnectOptions, 'address'> = {}) => connectTo(server, more),
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

/** One server with the model for all tests of a file that leave it as it was. */
export function sharedServer() {
  let own: Awaited<ReturnType<typeof ownServer>> | undefined;
  beforeAll(async () => {
    own = await ownServer();
  });
  afterAll(() => own?.[Symbol.asyncDispose]());
  const started = () => {
    if (own === undefined) throw new Error('The shared server has not been started.');
    return own;
  };
  return {
    /** Undefined while it runs; otherwise how it ended. */
    ended: () => started().server.ended(),
    address: () => started().server.address,
    connect: (more: Omit<ConnectOptions, 'address'> = {}) => started().connect(more),
  };
}

/** Polls until `probe` gives a value; fails with `what` after the limit. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  limitMs = 10_000,
): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`Not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export const javascript = `const fs = require('fs');

function readJson(path) {
  const text = fs.readFileSync(path, 'utf8');
  ‸
}
`;

/** Parts a text at its cursor mark. */
export function atCursor(marked: string): { readonly text: string; readonly offset: number } {
  const offset = marked.indexOf('‸');
  return { text: marked.replace('‸', ''), offset };
}
