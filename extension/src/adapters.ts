import { CancellationTokenSource, ProgressLocation, type QuickPickItem, Uri, window, workspace } from 'vscode';
import {
  type AdapterAction,
  type AdapterSummary,
  adapterActionRequest,
  type LearningState,
  learningStateRequest,
  type TrainingResult,
  trainNowRequest,
} from '#protocol/learningRuns.ts';
import { reasonText } from '#protocol/trace.ts';
import { adapterItem, comparison, trainingText } from './adapterItems.ts';
import type { Server } from './server.ts';

type Row = QuickPickItem & { readonly run: () => Promise<void> };

/** “Argot: Train Now”. */
export async function trainNow(server: Server): Promise<void> {
  const options = { location: ProgressLocation.Notification, title: 'Argot: Learning', cancellable: true };
  const result = await window.withProgress(options, async (progress, token) => {
    const listener = server.onTraining((state) => progress.report({ message: trainingText(state) }));
    try {
      return await server.request(trainNowRequest, null, token);
    } finally {
      listener.dispose();
    }
  });
  await tellResult(server, result ?? { kind: 'failed', message: reasonText.serverDown, changed: false });
}

/** Tells a run's end; a change can be taken back at once. */
export async function tellResult(server: Server, result: TrainingResult): Promise<void> {
  if (result.kind === 'failed') {
    await window.showWarningMessage(`Argot: ${result.message}`);
    return;
  }
  const back = result.kind === 'rested' ? [] : ['Roll Back'];
  const buttons = result.changed ? ['Show Adapters', ...back] : [];
  const button = await window.showInformationMessage(result.message, ...buttons);
  if (button === 'Show Adapters') await manageAdapters(server);
  if (button === 'Roll Back') await act(server, { do: 'rollback', kind: 'personal' });
}

/** “Argot: Roll Back Adapter”. */
export async function rollBackAdapter(server: Server): Promise<void> {
  const state = await stateOf(server);
  const active = (state?.versions ?? []).filter(({ scale }) => scale !== undefined);
  const kinds = active.map(({ kind }) => kind);
  if (kinds.length < 2) return act(server, { do: 'rollback', kind: kinds[0] ?? 'personal' });
  const picked = await window.showQuickPick(['personal', 'team'] as const, {
    title: 'Argot: Roll Back Which Adapter?',
  });
  if (picked === 'personal' || picked === 'team') await act(server, { do: 'rollback', kind: picked });
}

/** “Argot: Adapters”: every version with what can be done with it. */
export async function manageAdapters(server: Server): Promise<void> {
  const state = await stateOf(server);
  if (state === undefined) return;
  for (const problem of state.problems) void window.showWarningMessage(`Argot: ${problem}`);
  const rows: Row[] = state.versions.map((version) => ({
    ...adapterItem(version, state.pinned.includes(version.kind)),
    run: () => manageOne(server, state, version),
  }));
  const more: Row[] = [
    { label: '$(beaker) Train now', run: () => trainNow(server) },
    { label: '$(file-add) Import an adapter…', run: () => importAdapter(server) },
  ];
  const waiting = state.training.kind === 'idle' ? state.training.waitingFor : undefined;
  const picked = await window.showQuickPick([...rows, ...more], {
    title: 'Argot: Adapters',
    placeHolder:
      waiting === undefined ? 'What Argot has learnt, newest first' : `Training by itself waits for: ${waiting}`,
  });
  await picked?.run();
}

async function manageOne(server: Server, state: LearningState, version: AdapterSummary): Promise<void> {
  const { id, kind } = version;
  const pinned = state.pinned.includes(kind);
  const active = version.scale !== undefined;
  const others = state.versions.filter((other) => other.id !== id);
  const rows: Row[] = [
    ...(active ? [{ label: '$(discard) Roll back', run: () => act(server, { do: 'rollback', kind }) }] : []),
    ...(!active && version.fits && version.verdict === 'better'
      ? [{ label: '$(check) Use this one', run: () => act(server, { do: 'activate', id }) }]
      : []),
    pinned
      ? { label: '$(pin) Unpin', run: () => act(server, { do: 'unpin', kind }) }
      : { label: '$(pin) Pin what is in use', run: () => act(server, { do: 'pin', kind }) },
    ...(others.length > 0 ? [{ label: '$(diff) Compare with…', run: () => compare(version, others) }] : []),
    { label: '$(export) Export…', run: () => exportAdapter(server, id) },
    { label: '$(trash) Delete', run: () => deleteAdapter(server, id) },
  ];
  const picked = await window.showQuickPick(rows, { title: `Argot: ${id}` });
  await picked?.run();
}

/** “Argot: Import Adapter”. */
export async function importAdapter(server: Server): Promise<void> {
  const files = await window.showOpenDialog({ title: 'Argot: an adapter', filters: { Adapters: ['gguf'] } });
  const path = files?.[0]?.fsPath;
  if (path !== undefined) await act(server, { do: 'import', kind: 'personal', path });
}

async function exportAdapter(server: Server, id: string): Promise<void> {
  const folder = workspace.workspaceFolders?.[0]?.uri;
  const file = await window.showSaveDialog({
    title: 'Argot: export an adapter',
    filters: { Adapters: ['gguf'] },
    ...(folder?.scheme === 'file' ? { defaultUri: Uri.joinPath(folder, `${id}.gguf`) } : {}),
  });
  if (file !== undefined) await act(server, { do: 'export', id, path: file.fsPath });
}

async function deleteAdapter(server: Server, id: string): Promise<void> {
  const question = `Delete ${id}? What was in use before it is used again.`;
  const answer = await window.showWarningMessage(question, { modal: true }, 'Delete');
  if (answer === 'Delete') await act(server, { do: 'delete', ids: [id] });
}

async function compare(version: AdapterSummary, others: readonly AdapterSummary[]): Promise<void> {
  const rows = others.map((other) => ({ ...adapterItem(other, false), other }));
  const picked = await window.showQuickPick(rows, { title: `Argot: Compare ${version.id} With` });
  if (picked === undefined) return;
  const document = await workspace.openTextDocument({
    language: 'markdown',
    content: comparison(version, picked.other),
  });
  await window.showTextDocument(document, { preview: true });
}

async function act(server: Server, action: AdapterAction): Promise<void> {
  const result = await server.request(adapterActionRequest, action, new CancellationTokenSource().token);
  const message = `Argot: ${result?.message ?? reasonText.serverDown}`;
  if (result?.ok) void window.showInformationMessage(message);
  else void window.showWarningMessage(message);
}

async function stateOf(server: Server): Promise<LearningState | undefined> {
  const state = await server.request(learningStateRequest, null, new CancellationTokenSource().token);
  if (state === undefined) void window.showWarningMessage(`Argot: ${reasonText.serverDown}`);
  return state;
}
