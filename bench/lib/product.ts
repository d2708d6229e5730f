import { existsSync } from 'node:fs';
import { type Client, type ConnectOptions, connectTo } from '../../test/lib/client.ts';
import { createHome, type ServerProcess, startServer } from '../../test/lib/server.ts';
import { uriOf } from './side.ts';

/** The model that both sides run. */
export function modelPath(): string {
  const given = process.env.ARGOT_MODEL_PATH ?? '';
  if (given === '')
    throw new Error('No model is named. Run: npm run bench -- NAME, or set ARGOT_MODEL_PATH to a GGUF file.');
  if (!existsSync(given))
    throw new Error(`ARGOT_MODEL_PATH names ${given}, which does not exist: correct or unset it.`);
  return given;
}

export interface Product extends AsyncDisposable {
  readonly server: ServerProcess;
  readonly client: Client;
}

/** A language server of its own with one window, before its model is loaded. */
export async function startProduct(
  model: string,
  projects: readonly string[],
  options: Pick<ConnectOptions, 'trusted'> = {},
): Promise<Product> {
  await using stack = new AsyncDisposableStack();
  const home = stack.use(await createHome());
  const server = stack.use(await startServer({ home: home.path }));
  const workspaceFolders = projects.map((name) => ({ name, uri: uriOf(name).replace(/\/$/, '') }));
  const client = stack.use(await connectTo(server, { settings: { model, gpu: 'off' }, workspaceFolders, ...options }));
  const owned = stack.move();
  return { server, client, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Waits for the model; a server that can't load it is an error, with what it says. */
export async function ready({ client, server }: Product): Promise<void> {
  const status = await client.statuses.until(({ state }) => state === 'ready' || state === 'problem', 60_000);
  if (status.state === 'problem') {
    throw new Error(
      `The language server has no model: ${status.problem?.message ?? 'it does not say why'}\n${await server.output()}`,
    );
  }
}
