import {
  CancellationTokenSource,
  createProtocolConnection,
  DidChangeConfigurationNotification,
  ExitNotification,
  InitializedNotification,
  type InitializeParams,
  InitializeRequest,
  type InitializeResult,
  type InlineCompletionItem,
  InlineCompletionRequest,
  InlineCompletionTriggerKind,
  LSPErrorCodes,
  type ProtocolConnection,
  ResponseError,
  type SelectedCompletionInfo,
  ShutdownRequest,
  SocketMessageReader,
  type WorkspaceFolder,
} from 'vscode-languageserver-protocol/node';
import { cursorNotification, type Initialization, openTabsNotification } from '#protocol/documents.ts';
import type { Greeting } from '#protocol/handshake.ts';
import { messageWriter } from '#protocol/messageWriter.ts';
import {
  type DownloadProgressParams,
  downloadModelRequest,
  downloadProgressNotification,
  importModelRequest,
  listModelsRequest,
  type ModelChoice,
  type ModelOutcome,
  useModelRequest,
} from '#protocol/models.ts';
import { type PolicyView, policyNotification } from '#protocol/policy.ts';
import { type Signal, signalNotification } from '#protocol/signals.ts';
import { type StatisticsResult, type Status, statisticsRequest, statusNotification } from '#protocol/status.ts';
import { type LastTraceResult, lastTraceRequest } from '#protocol/trace.ts';
import { type ClientDocument, type OpenOptions, openDocument } from './document.ts';
import { createEvents, type Events } from './events.ts';
import { type JoinOptions, join } from './handshake.ts';
import type { ServerProcess } from './server.ts';

/** One window, as the server sees it: an LSP client on the user socket, without an editor. */
export interface Client extends AsyncDisposable {
  readonly greeting: Greeting;
  readonly initialized: InitializeResult;
  /** For what this file has no word for. */
  readonly connection: ProtocolConnection;
  /** Each `argot/status` notification; `statuses.last()` is the present one. */
  readonly statuses: Events<Status>;
  readonly progress: Events<DownloadProgressParams>;
  /** Each `argot/policy` notification. */
  readonly policies: Events<PolicyView>;
  open(options: OpenOptions): Promise<ClientDocument>;
  complete(document: ClientDocument, offset: number, options?: CompleteOptions): Promise<CompletionAnswer>;
  /** The cursor rests at `offset` without an edit. */
  cursor(document: ClientDocument, offset: number): Promise<void>;
  openTabs(uris: readonly string[]): Promise<void>;
  signal(signal: Signal): Promise<void>;
  configure(settings: unknown): Promise<void>;
  lastTrace(uri?: string): Promise<LastTraceResult>;
  statistics(): Promise<StatisticsResult>;
  listModels(): Promise<readonly ModelChoice[]>;
  useModel(id: string): Promise<ModelOutcome>;
  downloadModel(id: string, signal?: AbortSignal): Promise<ModelOutcome>;
  importModel(path: string): Promise<ModelOutcome>;
  /** Resolves when the connection is closed, by either side. */
  closed(): Promise<void>;
}

export interface ConnectOptions extends JoinOptions {
  /** The whole `argot` object, without `enable`. */
  readonly settings?: unknown;
  readonly trusted?: boolean;
  readonly workspaceFolders?: readonly WorkspaceFolder[];
}

export interface CompleteOptions {
  readonly signal?: AbortSignal;
  readonly invoked?: boolean;
  readonly selected?: SelectedCompletionInfo;
}

/** The server may answer a withdrawn request with nothing or with an error code; both are expected. */
export type CompletionAnswer =
  | { readonly kind: 'items'; readonly items: readonly InlineCompletionItem[] }
  | { readonly kind: 'cancelled' };

/** Connects to a server that we started, and gives up at once when that process ends. */
export function connectTo(server: ServerProcess, options: Omit<ConnectOptions, 'address'> = {}): Promise<Client> {
  return connect({ hopeless: () => server.ended(), ...options, address: server.address });
}

export async function connect(options: ConnectOptions): Promise<Client> {
  const { socket, greeting } = await join(options);
  const connection = createProtocolConnection(new SocketMessageReader(socket), messageWriter(socket));
  const closed = new Promise<void>((resolve) => connection.onClose(resolve));
  const statuses = createEvents<Status>();
  const progress = createEvents<DownloadProgressParams>();
  const policies = createEvents<PolicyView>();
  connection.onNotification(statusNotification, statuses.push);
  connection.onNotification(downloadProgressNotification, progress.push);
  connection.onNotification(policyNotification, policies.push);
  connection.listen();
  // The handshake left the socket paused, so that nothing was lost before this listener stood.
  socket.resume();
  const initialized = await connection.sendRequest(InitializeRequest.type, initializeParams(options));
  await connection.sendNotification(InitializedNotification.type, {});
  return {
    greeting,
    initialized,
    connection,
    statuses,
    progress,
    policies,
    open: (open) => openDocument(connection, open),
    complete: (document, offset, how = {}) => complete(connection, document, offset, how),
    cursor: (document, offset) =>
      connection.sendNotification(cursorNotification, {
        uri: document.uri,
        version: document.version(),
        ...document.positionAt(offset),
      }),
    openTabs: (uris) => connection.sendNotification(openTabsNotification, { uris: [...uris] }),
    signal: (signal) => connection.sendNotification(signalNotification, signal),
    configure: (settings) =>
      connection.sendNotification(DidChangeConfigurationNotification.type, { settings: { argot: settings } }),
    lastTrace: (uri) => connection.sendRequest(lastTraceRequest, uri === undefined ? {} : { uri }),
    statistics: () => connection.sendRequest(statisticsRequest, null),
    listModels: () => connection.sendRequest(listModelsRequest, null),
    useModel: (id) => connection.sendRequest(useModelRequest, { id }),
    downloadModel: (id, signal) =>
      withToken(signal, (token) => connection.sendRequest(downloadModelRequest, { id }, token)),
    importModel: (path) => connection.sendRequest(importModelRequest, { path }),
    closed: () => closed,
    [Symbol.asyncDispose]: () => disconnect(connection, closed),
  };
}

function initializeParams(options: ConnectOptions): InitializeParams {
  const initializationOptions: Initialization = {
    settings: options.settings ?? {},
    trusted: options.trusted ?? true,
  };
  return {
    processId: process.pid,
    clientInfo: { name: 'argot-test-client' },
    rootUri: null,
    workspaceFolders: options.workspaceFolders === undefined ? null : [...options.workspaceFolders],
    capabilities: {
      general: { positionEncodings: ['utf-16'] },
      textDocument: { synchronization: {}, inlineCompletion: {} },
      workspace: { workspaceFolders: true, configuration: false },
    },
    initializationOptions,
  };
}

async function complete(
  connection: ProtocolConnection,
  document: ClientDocument,
  offset: number,
  options: CompleteOptions,
): Promise<CompletionAnswer> {
  const params = {
    textDocument: { uri: document.uri },
    position: document.positionAt(offset),
    context: {
      triggerKind: options.invoked ? InlineCompletionTriggerKind.Invoked : InlineCompletionTriggerKind.Automatic,
      ...(options.selected === undefined ? {} : { selectedCompletionInfo: options.selected }),
    },
  };
  try {
    const answer = await withToken(options.signal, (token) =>
      connection.sendRequest(InlineCompletionRequest.type, params, token),
    );
    return { kind: 'items', items: Array.isArray(answer) ? answer : (answer?.items ?? []) };
  } catch (error) {
    if (error instanceof ResponseError && withdrawnCodes.has(error.code)) return { kind: 'cancelled' };
    throw error;
  }
}

const withdrawnCodes: ReadonlySet<number> = new Set([
  LSPErrorCodes.RequestCancelled,
  LSPErrorCodes.ServerCancelled,
  LSPErrorCodes.ContentModified,
]);

async function withToken<T>(
  signal: AbortSignal | undefined,
  send: (token: CancellationTokenSource['token']) => Promise<T>,
): Promise<T> {
  const source = new CancellationTokenSource();
  const cancel = (): void => source.cancel();
  if (signal?.aborted) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    return await send(source.token);
  } finally {
    signal?.removeEventListener('abort', cancel);
    source.dispose();
  }
}

/** Leaves as an editor does; a server that has died, or does not answer, is no error here. */
async function disconnect(connection: ProtocolConnection, closed: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, 2000);
  });
  const leave = connection
    .sendRequest(ShutdownRequest.type)
    .then(() => connection.sendNotification(ExitNotification.type))
    .catch(() => undefined);
  await Promise.race([leave, closed, patience]);
  clearTimeout(timer);
  connection.end();
  connection.dispose();
}
