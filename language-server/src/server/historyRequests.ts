import type { ProtocolConnection } from 'vscode-languageserver-protocol/node';
import { type HistoryParams, learnHistoryRequest, previewHistoryRequest } from '#protocol/learning.ts';
import { type CollectorSettings, learningOff } from '../learning/collector.ts';
import { runGit } from '../learning/git.ts';
import { collectHistory, type HistoryOutcome } from '../learning/history.ts';
import type { PolicyService } from '../policy/policyService.ts';
import { asSignal } from './asSignal.ts';
import type { WorkspaceFolder } from './documents.ts';
import type { OpenedLearning } from './openLearning.ts';

export interface HistoryRequestDeps {
  readonly opened: Promise<OpenedLearning>;
  readonly policy: PolicyService;
  readonly settings: () => CollectorSettings;
  readonly trusted: () => boolean;
  readonly folders: () => readonly WorkspaceFolder[];
  readonly excluded: (uri: string) => boolean;
}

/** One window's requests about the developer's own git history: first what it would use, then using it. */
export function serveHistory(connection: ProtocolConnection, deps: HistoryRequestDeps): void {
  connection.onRequest(previewHistoryRequest, async (params, token) => {
    const outcome = await collect(params, asSignal(token));
    return outcome.ok ? { ok: true, preview: outcome.preview } : outcome;
  });
  connection.onRequest(learnHistoryRequest, async (params, token) => {
    const signal = asSignal(token);
    const outcome = await collect(params, signal);
    if (!outcome.ok) return outcome;
    const { collector } = await deps.opened;
    return { ok: true, count: await collector.addAll(outcome.examples, deps.settings(), signal) };
  });

  async function collect({ folder: uri }: HistoryParams, signal: AbortSignal): Promise<HistoryOutcome> {
    const folder = deps.folders().find((each) => each.uri === uri);
    if (folder === undefined) return { ok: false, message: 'This folder is not open any more.' };
    if (!deps.trusted()) return { ok: false, message: 'Nothing is learned in a workspace that is not trusted.' };
    const off = learningOff(deps.policy, deps.settings(), 'ownHistory');
    if (off !== undefined) return { ok: false, message: off };
    const { collector } = await deps.opened;
    const hasSecret = await collector.hasSecret();
    return collectHistory(folder, { git: runGit, hasSecret, excluded: deps.excluded }, signal);
  }
}
