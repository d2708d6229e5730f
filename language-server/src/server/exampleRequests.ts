import type { ProtocolConnection } from 'vscode-languageserver-protocol/node';
import {
  countExamplesRequest,
  deleteExamplesRequest,
  type ExampleFilter,
  type ExampleSummary,
  exampleDetailsRequest,
  examplesChangedNotification,
  forgetEverythingRequest,
  type LearningOutcome,
  listExamplesRequest,
} from '#protocol/learning.ts';
import type { Settings } from '#protocol/settings.ts';
import type { CollectorSettings } from '../learning/collector.ts';
import type { Example } from '../learning/example.ts';
import type { ChangeOutcome, ExampleQuery } from '../store/exampleStore.ts';
import { asSignal } from './asSignal.ts';
import type { OpenedLearning } from './openLearning.ts';

export interface ExampleRequestDeps {
  readonly opened: Promise<OpenedLearning>;
  /** Why nothing is learned in this window. */
  readonly off: () => string | undefined;
}

const changesTogetherMs = 1000;
const longestFirstLine = 120;

/** One window's view of the developer's examples. Returns how to stop telling it of changes. */
export function serveExamples(connection: ProtocolConnection, { opened, off }: ExampleRequestDeps): () => void {
  const forever = new AbortController().signal;

  connection.onRequest(listExamplesRequest, async ({ filter, offset, limit }, token) => {
    const { store } = await opened;
    return (await store.list({ ...queryOf(filter), offset, limit }, asSignal(token))).map(summaryOf);
  });
  connection.onRequest(countExamplesRequest, async (filter) => {
    const { store, damage } = await opened;
    const { total, byKind, byRepository } = await store.counts(queryOf(filter));
    const why = off();
    return {
      ...{ total, byKind, byRepository: Object.fromEntries(byRepository) },
      ...(why === undefined ? {} : { off: why }),
      ...(damage === undefined ? {} : { damage }),
    };
  });
  connection.onRequest(exampleDetailsRequest, async ({ id }) => {
    const { store } = await opened;
    const [example] = await store.list({ ids: [id] }, forever);
    if (example === undefined) return null;
    const { text, spanStart, spanEnd, weight } = example;
    const adapterIds = await store.adaptersUsing([id]);
    return { summary: summaryOf(example), text, spanStart, spanEnd, weight, adapterIds };
  });
  connection.onRequest(deleteExamplesRequest, async (params): Promise<LearningOutcome> => {
    const { store } = await opened;
    const ids =
      'ids' in params ? params.ids : (await store.list(queryOf(params.filter), forever)).map((example) => example.id);
    return outcomeOf(await store.delete(ids), ids.length);
  });
  connection.onRequest(forgetEverythingRequest, async (): Promise<LearningOutcome> => {
    const { store, forgetEverything } = await opened;
    const { total } = await store.counts();
    return outcomeOf(await forgetEverything(), total);
  });

  let telling: NodeJS.Timeout | undefined;
  const unsubscribe = opened.then(({ collector }) =>
    collector.onChange(() => {
      telling ??= setTimeout(() => {
        telling = undefined;
        connection.sendNotification(examplesChangedNotification, null).catch(() => undefined);
      }, changesTogetherMs).unref();
    }),
  );
  return () => {
    clearTimeout(telling);
    unsubscribe.then((stop) => stop()).catch(() => undefined);
  };
}

export function collectorSettings(settings: Settings): CollectorSettings {
  return {
    enable: settings['learning.enable'],
    kinds: settings['learning.kinds'],
    retentionDays: settings['learning.retentionDays'],
    retentionExamples: settings['learning.retentionExamples'],
  };
}

function queryOf({ search, kinds, repositories, fromMs, untilMs }: ExampleFilter): ExampleQuery {
  return {
    ...(search === undefined || search === '' ? {} : { search }),
    ...(kinds === undefined ? {} : { kinds }),
    ...(repositories === undefined ? {} : { repositories }),
    ...(fromMs === undefined ? {} : { fromMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
  };
}

function summaryOf(example: Example): ExampleSummary {
  const { id, kind, repository, path, languageId, createdAtMs, text, spanStart, spanEnd } = example;
  const lineStart = text.lastIndexOf('\n', spanStart - 1) + 1;
  const lines = text.slice(lineStart, Math.max(spanEnd, spanStart + 1)).split('\n');
  const firstLine = (lines.find((line) => line.trim() !== '') ?? '').trim().slice(0, longestFirstLine);
  return { id, kind, repository, path, languageId, createdAtMs, firstLine };
}

function outcomeOf(outcome: ChangeOutcome, count: number): LearningOutcome {
  return outcome.ok ? { ok: true, count } : { ok: false, message: outcome.fault.message };
}
