import {
  Disposable,
  type Event as EditorEvent,
  EventEmitter,
  type LogOutputChannel,
  type SecretStorage,
  workspace,
} from 'vscode';
import {
  type CancellationToken,
  DidChangeConfigurationNotification,
  type LanguageClient,
  type Middleware,
  type NotificationType,
  type RequestParam,
  type RequestType,
} from 'vscode-languageclient/node';
import { serverAddress } from '#protocol/address.ts';
import { definitionsRequest } from '#protocol/definitions.ts';
import { federationChangedNotification, getSecretRequest, setSecretRequest } from '#protocol/federationViews.ts';
import { examplesChangedNotification } from '#protocol/learning.ts';
import {
  learntNotification,
  type TrainingResult,
  type TrainingState,
  trainingNotification,
} from '#protocol/learningRuns.ts';
import { type DownloadProgressParams, downloadProgressNotification } from '#protocol/models.ts';
import { type PolicyView, policyNotification } from '#protocol/policy.ts';
import { grownNotification } from '#protocol/signals.ts';
import { type Status, statusNotification } from '#protocol/status.ts';
import { type ClientSession, openSession } from './client.ts';
import { contact, thisMachine } from './connection.ts';
import { findDefinitions } from './definitions.ts';
import { joinServer } from './join.ts';
import { launch, logTail } from './launch.ts';
import { serverSettings } from './settings.ts';
import { type Link, supervise } from './supervisor.ts';

/** The language server as the rest of the extension sees it, whether it runs or not. */
export interface Server {
  readonly link: () => Link;
  /** What the server last said of itself; undefined while it is not connected. */
  readonly status: () => Status | undefined;
  readonly onDidChange: EditorEvent<void>;
  readonly onDownloadProgress: EditorEvent<DownloadProgressParams>;
  readonly onTraining: EditorEvent<TrainingState>;
  /** A run that started by itself changed what completes. */
  readonly onLearnt: EditorEvent<TrainingResult>;
  readonly onDidChangePolicy: EditorEvent<PolicyView>;
  /** Examples came or went. */
  readonly onDidChangeExamples: EditorEvent<void>;
  readonly onDidChangeFederation: EditorEvent<void>;
  /** An item, by its id, is longer than it was when it was offered. */
  readonly onGrown: EditorEvent<string>;
  /** Keeps the server's secrets in the editor from the next session on. */
  serveSecrets(secrets: SecretStorage): Disposable;
  /** Undefined when the server is not connected; a failure rejects. */
  request<P, R>(
    type: RequestType<P, R, void>,
    params: NoInfer<RequestParam<P>>,
    token: CancellationToken,
  ): Promise<R | undefined>;
  /** Lost when the server is not connected. */
  notify<P>(type: NotificationType<P>, params: NoInfer<RequestParam<P>>): void;
  sendSettings(): void;
  /** Begins a new session with the server that there is. */
  reconnect(): void;
  /** Ends the server, for all windows, and starts another. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface ServerParts {
  readonly output: LogOutputChannel;
  readonly script: string;
  readonly version: string;
  readonly middleware: Middleware;
}

/** Longer than the patience with a server's greeting. */
const drainWithinMs = 6000;

export function connectServer(parts: ServerParts): Server {
  const { output } = parts;
  const machine = thisMachine();
  const address = serverAddress(machine);
  const changed = new EventEmitter<void>();
  const progress = new EventEmitter<DownloadProgressParams>();
  const training = new EventEmitter<TrainingState>();
  const learnt = new EventEmitter<TrainingResult>();
  const policy = new EventEmitter<PolicyView>();
  const examples = new EventEmitter<void>();
  const federation = new EventEmitter<void>();
  const grown = new EventEmitter<string>();
  let secrets: SecretStorage | undefined;
  let link: Link = { kind: 'connecting' };
  let status: Status | undefined;
  let session: ClientSession | undefined;

  const listen = (client: LanguageClient): void => {
    client.onRequest(definitionsRequest, findDefinitions);
    client.onNotification(statusNotification, (next) => {
      status = next;
      changed.fire();
    });
    client.onNotification(downloadProgressNotification, (params) => progress.fire(params));
    client.onNotification(trainingNotification, (state) => training.fire(state));
    client.onNotification(learntNotification, (result) => learnt.fire(result));
    client.onNotification(policyNotification, (view) => policy.fire(view));
    client.onNotification(examplesChangedNotification, () => examples.fire());
    client.onNotification(federationChangedNotification, () => federation.fire());
    client.onNotification(grownNotification, ({ itemId }) => grown.fire(itemId));
    client.onRequest(getSecretRequest, async ({ name }) => (await secrets?.get(name)) ?? null);
    client.onRequest(setSecretRequest, async ({ name, value }) => {
      if (secrets === undefined) throw new Error('The editor keeps no secrets yet.');
      if (value === null) await secrets.delete(name);
      else await secrets.store(name, value);
      return null;
    });
  };

  const supervisor = supervise({
    join: (signal) =>
      joinServer(
        {
          contact: (attempt) => contact(address, parts.version, machine.uid, attempt),
          launch: () => {
            const launched = launch(parts.script, machine);
            output.info(`Started the language server, process ${launched.pid ?? 'unknown'}.`);
            return launched;
          },
          lastWords: () => logTail(machine),
        },
        signal,
      ),
    open: async (socket) => {
      session = await openSession(socket, {
        output,
        initialization: () => ({ settings: serverSettings(), trusted: workspace.isTrusted }),
        middleware: parts.middleware,
        listen,
      });
      return session;
    },
    report: (next) => {
      link = next;
      if (next.kind !== 'connected') {
        status = undefined;
        session = undefined;
      }
      if (next.kind === 'lost') output.warn(next.message);
      else output.debug(`Language server: ${next.kind}.`);
      changed.fire();
    },
  });

  return {
    link: () => link,
    status: () => status,
    onDidChange: changed.event,
    onDownloadProgress: progress.event,
    onTraining: training.event,
    onLearnt: learnt.event,
    onDidChangePolicy: policy.event,
    onDidChangeExamples: examples.event,
    onDidChangeFederation: federation.event,
    onGrown: grown.event,
    serveSecrets(storage) {
      secrets = storage;
      return new Disposable(() => {
        secrets = undefined;
      });
    },
    request: async (type, params, token) => session?.client.sendRequest(type, params, token),
    notify: (type, params) => {
      session?.client
        .sendNotification(type, params)
        .catch((error: unknown) => output.debug(`${type.method} was not sent: ${String(error)}`));
    },
    sendSettings: () => {
      session?.client
        .sendNotification(DidChangeConfigurationNotification.type, { settings: serverSettings() })
        .catch((error: unknown) => output.debug(`The settings were not sent: ${String(error)}`));
    },
    reconnect: () => supervisor.restart(),
    restart: async () => {
      const pid = status?.pid;
      const outcome = await contact(address, parts.version, machine.uid, AbortSignal.timeout(drainWithinMs), 'drain');
      // One that we know and that no longer greets hangs.
      if (pid !== undefined && outcome.kind === 'refused' && outcome.code === 'foreign') endProcess(pid, output);
      supervisor.restart();
    },
    stop: async () => {
      await supervisor.stop();
      changed.dispose();
      progress.dispose();
      training.dispose();
      learnt.dispose();
      policy.dispose();
      examples.dispose();
      federation.dispose();
      grown.dispose();
    },
  };
}

function endProcess(pid: number, output: LogOutputChannel): void {
  try {
    process.kill(pid, 'SIGKILL');
    output.warn(`The language server, process ${pid}, did not answer and was ended.`);
  } catch (error) {
    output.warn(`The language server, process ${pid}, did not answer and could not be ended: ${String(error)}`);
  }
}
