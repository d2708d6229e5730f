import type { Socket } from 'node:net';
import { type FileSystemWatcher, type LogOutputChannel, workspace } from 'vscode';
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  type LanguageClientOptions,
  type MessageWriter,
  type Middleware,
  SocketMessageReader,
} from 'vscode-languageclient/node';
import type { Initialization } from '#protocol/documents.ts';
import { messageWriter } from '#protocol/messageWriter.ts';
import { schemes } from './enablement.ts';
import type { Session } from './supervisor.ts';

export interface ClientSession extends Session {
  readonly client: LanguageClient;
}

export interface ClientParts {
  readonly output: LogOutputChannel;
  readonly initialization: () => Initialization;
  readonly middleware: Middleware;
  /** Before the first message, so that none is missed. */
  readonly listen: (client: LanguageClient) => void;
}

const stopWithinMs = 1000;

/** Speaks LSP on a socket that has joined. A session lives as long as its socket; the next one has a new client. */
export async function openSession(socket: Socket, parts: ClientParts): Promise<ClientSession> {
  const closed = new Promise<void>((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once('close', () => resolve());
  });
  // The server keeps its index of the folders in step by it; VS Code leaves out what `files.watcherExclude` names.
  const files = workspace.createFileSystemWatcher('**/*');
  void closed.then(() => files.dispose());
  const client = new QuietClient('argot', 'Argot', async () => transport(socket), options(parts, files));
  parts.listen(client);
  try {
    await Promise.race([client.start(), closed.then(() => Promise.reject(new Error('The language server hung up.')))]);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return {
    client,
    closed,
    async end() {
      if (!socket.destroyed && client.isRunning()) {
        await client.stop(stopWithinMs).catch((error: unknown) => parts.output.debug(`Stopping: ${String(error)}`));
      }
      socket.destroy();
    },
  };
}

/** What goes wrong with a connection is the supervisor's to tell, once; the library would tell it each time. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
  override warn(message: string, data?: unknown): void {
    super.warn(message, data, false);
  }
  override info(message: string, data?: unknown): void {
    super.info(message, data, false);
  }
}

function transport(socket: Socket): { reader: SocketMessageReader; writer: MessageWriter } {
  // The handshake left the socket paused; the client listens before the next turn of the event loop.
  setImmediate(() => socket.resume());
  return { reader: new SocketMessageReader(socket), writer: messageWriter(socket) };
}

function options(parts: ClientParts, files: FileSystemWatcher): LanguageClientOptions {
  return {
    documentSelector: schemes.map((scheme) => ({ scheme })),
    outputChannel: parts.output,
    initializationOptions: parts.initialization,
    initializationFailedHandler: () => false,
    synchronize: { fileEvents: files },
    middleware: parts.middleware,
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => ({ action: CloseAction.DoNotRestart, handled: true }),
    },
  };
}
