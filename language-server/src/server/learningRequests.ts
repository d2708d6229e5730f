import type { ProtocolConnection } from 'vscode-languageserver-protocol';
import {
  type AdapterAction,
  type AdapterActionResult,
  type AdapterSummary,
  adapterActionRequest,
  adapterActionSchema,
  type LearningState,
  learningStateRequest,
  learntNotification,
  trainingNotification,
  trainNowRequest,
} from '#protocol/learningRuns.ts';
import { adapterKinds } from '../learning/adapterCard.ts';
import type { AdapterBase, AdapterVersion } from '../learning/adapterVersions.ts';
import type { Learning } from '../learning/createLearning.ts';
import { asSignal } from './asSignal.ts';
import type { OpenedLearning } from './openLearning.ts';

/** One window's requests about adapters and training. Returns how to stop telling it. */
export function serveLearning(connection: ProtocolConnection, opened: Promise<OpenedLearning>): () => void {
  const learning = async () => (await opened).learning;
  connection.onRequest(learningStateRequest, async () => learningState(await learning()));
  connection.onRequest(trainNowRequest, async (_, token) => (await learning()).learner.trainNow(asSignal(token)));
  connection.onRequest(adapterActionRequest, async (params) =>
    act(await learning(), adapterActionSchema.parse(params)),
  );
  const unsubscribe = learning().then((each) =>
    each.listen({
      training: (state) => void connection.sendNotification(trainingNotification, state).catch(() => undefined),
      learnt: (result) => void connection.sendNotification(learntNotification, result).catch(() => undefined),
    }),
  );
  return () => void unsubscribe.then((stop) => stop()).catch(() => undefined);
}

export async function learningState({ learner, versions, trainer }: Learning): Promise<LearningState> {
  const base = await learner.base();
  const active = base === undefined ? [] : versions.active(base.sha256);
  const scales = new Map(active.map(({ card, scale }) => [card.id, scale]));
  return {
    versions: versions.list().map((version) => summary(version, base, scales.get(version.card.id))),
    pinned: adapterKinds.filter((kind) => base !== undefined && versions.slot(kind, base.sha256).pinned),
    training: learner.training(),
    problems: [...versions.complaints(), ...('missing' in trainer ? [trainer.missing] : [])],
  };
}

function summary({ card }: AdapterVersion, base: AdapterBase | undefined, scale: number | undefined): AdapterSummary {
  const { id, kind, origin, createdAtMs, sizeBytes, gate } = card;
  return {
    ...{ id, kind, origin, createdAtMs, sizeBytes, baseName: card.base.name, fits: card.base.sha256 === base?.sha256 },
    ...{ examples: card.counts.examples ?? card.exampleIds.length, tokens: card.counts.tokens ?? 0 },
    ...(scale === undefined ? {} : { scale }),
    ...(gate === undefined
      ? {}
      : { verdict: gate.verdict, gain: gate.gain, gainLow: gate.gainLow, forgetting: gate.forgetting }),
  };
}

async function act({ learner, versions }: Learning, action: AdapterAction): Promise<AdapterActionResult> {
  const base = await learner.base();
  if (base === undefined) return { ok: false, message: 'No model is loaded: choose one with “Argot: Choose Model”.' };
  const said = (outcome: { readonly ok: boolean; readonly message?: string }, message: string): AdapterActionResult =>
    outcome.ok ? { ok: true, message } : { ok: false, message: outcome.message ?? '' };
  switch (action.do) {
    case 'rollback': {
      const outcome = await versions.rollback(action.kind, base.sha256);
      const now = outcome.ok ? (outcome.active ?? 'the model without a personal adapter') : '';
      return said(outcome, `Rolled back: ${now} completes from now on.`);
    }
    case 'pin':
      return said(await versions.pin(action.kind, base.sha256, true), 'Pinned: training changes it no more.');
    case 'unpin':
      return said(await versions.pin(action.kind, base.sha256, false), 'Unpinned: training may change it.');
    case 'activate': {
      const card = versions.find(action.id)?.card;
      const scale = card?.gate?.scales[card.kind] ?? 1;
      return said(await versions.activate(action.id, scale), 'It completes from now on.');
    }
    case 'export':
      return said(await versions.exportTo(action.id, action.path), `Exported to ${action.path}.`);
    case 'import': {
      const imported = await versions.importFrom(action.path, action.kind, base);
      if (!imported.ok) return { ok: false, message: imported.message };
      const judged = await learner.judge(imported.version.card.id, new AbortController().signal);
      return { ok: judged.changed, message: `Imported. ${judged.message}` };
    }
    case 'delete':
      return said(await versions.remove(action.ids), 'Deleted.');
  }
}
