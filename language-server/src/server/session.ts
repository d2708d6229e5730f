import type { Socket } from 'node:net';
import {
  createProtocolConnection,
  DidChangeConfigurationNotification,
  DidChangeTextDocumentNotification,
  DidChangeWatchedFilesNotification,
  DidChangeWorkspaceFoldersNotification,
  DidCloseTextDocumentNotification,
  DidOpenTextDocumentNotification,
  ExitNotification,
  InitializedNotification,
  InitializeRequest,
  InlineCompletionRequest,
  ShutdownRequest,
  SocketMessageReader,
  TextDocumentSyncKind,
} from 'vscode-languageserver-protocol/node';
import { definitionsRequest, definitionsResultSchema } from '#protocol/definitions.ts';
import {
  cursorNotification,
  cursorSchema,
  initializationSchema,
  openTabsNotification,
  openTabsSchema,
} from '#protocol/documents.ts';
import { messageWriter } from '#protocol/messageWriter.ts';
import {
  downloadModelRequest,
  downloadProgressNotification,
  importModelRequest,
  listModelsRequest,
  useModelRequest,
} from '#protocol/models.ts';
import { policyNotification } from '#protocol/policy.ts';
import { checkSettings, type Settings } from '#protocol/settings.ts';
import { grownNotification, signalNotification, signalSchema } from '#protocol/signals.ts';
import { type Status, statisticsRequest, statusNotification } from '#protocol/status.ts';
import { lastTraceRequest } from '#protocol/trace.ts';
import { createRecentEdits } from '../context/recentEdits.ts';
import type { ModelHost, ReportProgress } from '../engine/modelHost.ts';
import type { IndexClient } from '../indexing/indexClient.ts';
import { createWindowLearning } from '../learning/windowLearning.ts';
import type { PrivacyAccount } from '../ledger/spendLedgerFile.ts';
import type { LeftLedger } from '../network/leftLedger.ts';
import { allOf } from '../policy/decisions.ts';
import type { LivePolicy } from '../policyFiles/livePolicy.ts';
import type { AskMemory } from './askMemory.ts';
import { asSignal } from './asSignal.ts';
import { createCompletionService } from './completionService.ts';
import type { DailyTally } from './dailyTally.ts';
import { serveDashboard } from './dashboard.ts';
import { createDefinitionFiles } from './definitionFiles.ts';
import { applyChanges, type OpenDocument, openDocument, type WorkspaceFolder } from './documents.ts';
import { collectorSettings, serveExamples } from './exampleRequests.ts';
import { createExcluder } from './excluder.ts';
import { serveFederation } from './federationRequests.ts';
import { serveHistory } from './historyRequests.ts';
import { learningState, serveLearning } from './learningRequests.ts';
import type { OpenedFederation } from './openFederation.ts';
import type { OpenedLearning } from './openLearning.ts';
import { policyView, servePolicy, userComplaint } from './policyRequests.ts';
import { createRepositoryContext } from './repositoryContext.ts';
import { createTraceLog, type Totals } from './traceLog.ts';

export interface SessionDeps {
  readonly host: ModelHost;
  readonly policy: LivePolicy;
  readonly left: LeftLedger;
  readonly account: PrivacyAccount;
  readonly tally: DailyTally;
  readonly index: IndexClient;
  readonly ask: AskMemory;
  readonly learning: Promise<OpenedLearning>;
  readonly federation: Promise<OpenedFederation>;
  /** When the text of a taken suggestion is looked at again, in milliseconds. */
  readonly survivalChecksMs: readonly number[];
  readonly totals: Totals;
  readonly version: string;
  readonly clients: () => number;
  readonly newId: () => string;
  readonly log: (message: string) => void;
  /** Called once, when the window left or its connection broke. */
  readonly ended: () => void;
}

/** One window: its documents, its settings and its requests, over one socket on which the handshake is done. */
export function startSession(socket: Socket, deps: SessionDeps): void {
  const { host, policy } = deps;
  const connection = createProtocolConnection(new SocketMessageReader(socket), messageWriter(socket));
  const documents = new Map<string, OpenDocument>();
  const edits = createRecentEdits(Date.now);
  const traces = createTraceLog(deps.totals);
  let folders: readonly WorkspaceFolder[] = [];
  let tabs: readonly string[] = [];
  let settings: Settings = checkSettings({}).settings;
  let excluder = createExcluder(excluded());
  let complaints: readonly string[] = [];
  let policyComplaints: readonly string[] = [];
  let trusted = false;
  const repository = createRepositoryContext({
    index: deps.index,
    excluded: (uri) => excluder(uri),
    definitions: createDefinitionFiles(async (params) => {
      const answer = await connection.sendRequest(definitionsRequest, params);
      return definitionsResultSchema.parse(answer).uris;
    }, Date.now),
  });
  let working = 0;

  const completions = createCompletionService({
    engine: host.state,
    settings: () => settings,
    document: (uri) => documents.get(uri),
    tabs: () => tabs,
    edits,
    excluded: (uri) => excluder(uri),
    repository,
    ask: deps.ask,
    traces,
    now: () => performance.now(),
    newId: deps.newId,
    working(delta) {
      working += delta;
      sendStatus();
    },
    grown: (itemId) => void connection.sendNotification(grownNotification, { itemId }).catch(() => undefined),
  });

  const windowLearning = createWindowLearning({
    consider: (candidate) =>
      withLearning(({ collector }) => collector.consider(candidate, collectorSettings(settings), excluder)),
    policy,
    settings: () => collectorSettings(settings),
    trusted: () => trusted,
    document(uri) {
      const document = documents.get(uri);
      if (document === undefined) return undefined;
      const { text, path, folder } = document;
      return { text: text.getText(), version: text.version, languageId: text.languageId, path, folder };
    },
    checksMs: deps.survivalChecksMs,
    now: Date.now,
  });

  function status(): Status {
    const base = host.status();
    const indexed = repository.status();
    const [complaint] = [...complaints, ...policyComplaints.map(userComplaint)];
    return {
      ...base,
      state: base.state === 'ready' && working > 0 ? 'busy' : base.state,
      pid: process.pid,
      version: deps.version,
      ...(indexed === undefined ? {} : { index: indexed }),
      ...(base.problem === undefined && complaint !== undefined
        ? {
            problem: {
              code: 'settings',
              message: complaint,
              remedy: { title: 'Open Settings', command: 'argot.openSettings' },
            },
          }
        : {}),
    };
  }
  /** What the user leaves out, and what nobody may read. */
  function excluded(): readonly string[] {
    return [...settings.exclude, ...allOf(policy.effective(), 'exclude')];
  }
  let sent = '';
  let telling: NodeJS.Immediate | undefined;
  /** In the next turn of the event loop: an answer does not wait for it, and what changes together is told at once. */
  function sendStatus(): void {
    if (telling !== undefined) return;
    telling = setImmediate(() => {
      telling = undefined;
      const now = status();
      // Speeds waver with every request; they travel with the next change that matters.
      const { speed: _, ...essence } = now;
      if (JSON.stringify(essence) === sent) return;
      sent = JSON.stringify(essence);
      connection.sendNotification(statusNotification, now).catch(() => undefined);
    });
  }

  function withLearning(use: (opened: OpenedLearning) => void): void {
    deps.learning.then(use).catch(() => undefined);
  }

  function configure(raw: unknown): void {
    const checked = checkSettings(raw);
    settings = checked.settings;
    complaints = checked.complaints;
    policyComplaints = policy.setUser(connection, settings.policy);
    excluder = createExcluder(excluded());
    host.configure(settings);
    indexFolders();
    withLearning(({ learning }) =>
      learning.configure({
        // Who switches learning off wants no run that starts by itself either.
        training: settings['learning.enable'] ? settings.training : 'manual',
        trainingOnBattery: settings.trainingOnBattery,
      }),
    );
    sendStatus();
  }

  function indexFolders(): void {
    repository.configure({ folders, exclude: excluded(), enabled: trusted && settings.contextFromOtherFiles });
  }

  connection.onRequest(InitializeRequest.type, (params) => {
    folders = params.workspaceFolders ?? [];
    const initialization = initializationSchema.safeParse(params.initializationOptions);
    trusted = initialization.success && initialization.data.trusted;
    configure(initialization.success ? initialization.data.settings : {});
    return {
      serverInfo: { name: 'argot', version: deps.version },
      capabilities: {
        textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental },
        inlineCompletionProvider: true,
        workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
      },
    };
  });
  connection.onNotification(InitializedNotification.type, () => {
    // What was sent before a client is ready is lost on it.
    sent = '';
    sendStatus();
    sendPolicy();
  });
  connection.onRequest(ShutdownRequest.type, () => undefined);
  connection.onNotification(ExitNotification.type, () => {
    socket.end();
  });
  connection.onNotification(DidChangeWorkspaceFoldersNotification.type, ({ event }) => {
    const removed = new Set(event.removed.map((folder) => folder.uri));
    folders = [...folders.filter((folder) => !removed.has(folder.uri)), ...event.added];
    indexFolders();
  });
  connection.onNotification(DidChangeWatchedFilesNotification.type, ({ changes }) => {
    repository.filesChanged(changes.map(({ uri }) => uri));
  });
  connection.onNotification(DidChangeConfigurationNotification.type, ({ settings: given }) => {
    configure(typeof given === 'object' && given !== null && 'argot' in given ? given.argot : given);
  });

  connection.onNotification(DidOpenTextDocumentNotification.type, ({ textDocument }) => {
    const document = openDocument(textDocument, folders);
    documents.set(textDocument.uri, document);
    repository.touched(document);
  });
  connection.onNotification(DidChangeTextDocumentNotification.type, ({ textDocument, contentChanges }) => {
    const document = documents.get(textDocument.uri);
    if (document === undefined) return;
    for (const change of applyChanges(document, contentChanges, textDocument.version, performance.now())) {
      withLearning(({ learning }) => learning.learner.typed());
      edits.changed(textDocument.uri, change.line, change.lineDelta);
      completions.edited(textDocument.uri, change.line, change.lineDelta);
      windowLearning.edited(textDocument.uri, [change], textDocument.version);
    }
    repository.touched(document);
  });
  connection.onNotification(DidCloseTextDocumentNotification.type, ({ textDocument }) => {
    windowLearning.closing(textDocument.uri);
    documents.delete(textDocument.uri);
    edits.forget(textDocument.uri);
    completions.closed(textDocument.uri);
    repository.closed(textDocument.uri);
  });

  connection.onRequest(InlineCompletionRequest.type, async (params, token) => {
    const askedMs = performance.now();
    const item = await completions.complete(params, asSignal(token));
    if (item !== undefined) deps.tally.answered(performance.now() - askedMs);
    sendStatus();
    return item === undefined ? [] : [item];
  });
  connection.onNotification(cursorNotification, (params) => {
    const cursor = cursorSchema.parse(params);
    if (documents.get(cursor.uri)?.text.version !== cursor.version) return;
    completions
      .rested(cursor.uri, { line: cursor.line, character: cursor.character })
      .catch((error: unknown) => deps.log(String(error)));
  });
  connection.onNotification(openTabsNotification, (params) => {
    tabs = openTabsSchema.parse(params).uris;
  });
  connection.onNotification(signalNotification, (params) => {
    const signal = signalSchema.parse(params);
    traces.countSignal(signal);
    deps.tally.signal(signal);
    windowLearning.signal(signal);
    if (signal.kind === 'accepted') deps.ask.taken(signal.itemId, signal.text);
  });
  connection.onRequest(lastTraceRequest, ({ uri }) => traces.last(uri) ?? null);
  connection.onRequest(statisticsRequest, () => ({
    rssBytes: process.memoryUsage.rss(),
    cpuMs: (process.cpuUsage().user + process.cpuUsage().system) / 1000,
    clients: deps.clients(),
    modelsInMemory: host.modelsInMemory(),
    ...deps.totals,
  }));

  connection.onRequest(listModelsRequest, () => host.list());
  connection.onRequest(useModelRequest, ({ id }) => host.use(id));
  const reporting =
    (id: string): ReportProgress =>
    (progress) =>
      void connection.sendNotification(downloadProgressNotification, { id, ...progress }).catch(() => undefined);
  connection.onRequest(importModelRequest, ({ path }, token) =>
    host.importFile(path, reporting(path), asSignal(token)),
  );
  connection.onRequest(downloadModelRequest, ({ id }, token) => host.download(id, reporting(id), asSignal(token)));

  const learningServed = serveLearning(connection, deps.learning);
  servePolicy(connection, { policy, left: deps.left, complaints: () => policyComplaints });
  serveDashboard(connection, {
    ...{ policy, left: deps.left, account: deps.account, tally: deps.tally, now: Date.now },
    complaints: () => policyComplaints,
    adapters: async () => (await learningState((await deps.learning).learning)).versions,
    // A machine on which federation can't start has rounds of no team.
    rounds: async () => deps.federation.then(({ service }) => service.rounds()).catch(() => []),
  });
  const examplesServed = serveExamples(connection, { opened: deps.learning, off: windowLearning.off });
  serveHistory(connection, {
    ...{ opened: deps.learning, policy, trusted: () => trusted, folders: () => folders },
    settings: () => collectorSettings(settings),
    excluded: (uri) => excluder(uri),
  });
  const federationServed = serveFederation(connection, {
    ...{ federation: deps.federation, folders: () => folders, trusted: () => trusted, log: deps.log },
  });
  const subscriptions = [
    federationServed,
    host.onChange(sendStatus),
    deps.index.onProgress(sendStatus),
    policy.onChange(policyChanged),
    learningServed,
    examplesServed,
  ];
  function policyChanged(): void {
    excluder = createExcluder(excluded());
    indexFolders();
    sendPolicy();
  }
  function sendPolicy(): void {
    const view = policyView(policy, policyComplaints);
    connection.sendNotification(policyNotification, view).catch(() => undefined);
  }
  let over = false;
  function end(why: string | undefined): void {
    if (over) return;
    over = true;
    if (why !== undefined) deps.log(`A window's connection was closed: ${why}`);
    for (const unsubscribe of subscriptions) unsubscribe();
    policy.forgetUser(connection);
    for (const uri of documents.keys()) {
      windowLearning.closing(uri);
      completions.closed(uri);
    }
    repository[Symbol.dispose]();
    connection.dispose();
    socket.destroy();
    deps.ended();
  }
  connection.onError(([error]) => end(error.message));
  connection.onClose(() => end(undefined));
  socket.on('error', (error) => end(error.message));
  socket.on('close', () => end(undefined));
  connection.listen();
  socket.resume();
}
