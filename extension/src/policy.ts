import {
  CancellationTokenSource,
  type Disposable,
  type Uri as EditorUri,
  EventEmitter,
  Uri,
  window,
  workspace,
} from 'vscode';
import { exportLeftRequest, readLeftRequest } from '#protocol/ledger.ts';
import { checkPolicyRequest, effectivePolicyRequest } from '#protocol/policy.ts';
import { reasonText } from '#protocol/trace.ts';
import { checkedPolicyDocument, effectivePolicyDocument } from './policyDocument.ts';
import type { Server } from './server.ts';
import { sizeText } from './units.ts';

const scheme = 'argot-policy';
const effective = Uri.from({ scheme, path: 'Effective Policy.md' });
const checked = Uri.from({ scheme, path: 'Policy Check.md' });

/** The commands about policy and about what left. */
export interface Policy extends Disposable {
  show(): Promise<void>;
  checkFile(): Promise<void>;
  verifyLedger(): Promise<void>;
  exportLedger(): Promise<void>;
}

export function createPolicy(server: Server): Policy {
  const changed = new EventEmitter<EditorUri>();
  const contents = new Map<string, string>();
  const provider = workspace.registerTextDocumentContentProvider(scheme, {
    onDidChange: changed.event,
    provideTextDocumentContent: (uri) => contents.get(uri.toString()) ?? '',
  });
  const token = () => new CancellationTokenSource().token;

  async function show(uri: EditorUri, content: string): Promise<void> {
    contents.set(uri.toString(), content);
    changed.fire(uri);
    await window.showTextDocument(await workspace.openTextDocument(uri), { preview: true });
  }

  // An open document follows what holds.
  const follows = server.onDidChangePolicy((view) => {
    contents.set(effective.toString(), effectivePolicyDocument(view));
    changed.fire(effective);
  });

  return {
    async show() {
      await show(effective, effectivePolicyDocument(await server.request(effectivePolicyRequest, null, token())));
    },
    async checkFile() {
      const file = await pickPolicyFile();
      if (file === undefined) return;
      const text = new TextDecoder().decode(await workspace.fs.readFile(file));
      const result = await server.request(checkPolicyRequest, { text }, token());
      if (result === undefined) return void window.showWarningMessage(`Argot: ${reasonText.serverDown}`);
      await show(checked, checkedPolicyDocument(file.fsPath, result));
    },
    async verifyLedger() {
      const result = await server.request(readLeftRequest, { newest: 0 }, token());
      if (result === undefined) return void window.showWarningMessage(`Argot: ${reasonText.serverDown}`);
      const { check } = result;
      if (check.ok) {
        const told = `${check.entries} entries, ${sizeText(check.bytes)} sent. The chain is whole: ${check.path}`;
        void window.showInformationMessage(`Argot: the ledger of what left holds ${told}`);
      } else void window.showErrorMessage(`Argot: ${check.message}`);
    },
    async exportLedger() {
      const target = await window.showSaveDialog({
        title: 'Argot: Export the Ledger of What Left',
        filters: { 'JSON lines': ['jsonl'] },
      });
      if (target === undefined) return;
      const check = await server.request(exportLeftRequest, { path: target.fsPath }, token());
      if (check === undefined) return void window.showWarningMessage(`Argot: ${reasonText.serverDown}`);
      if (check.ok) void window.showInformationMessage(`Argot: ${check.entries} entries are in ${check.path}.`);
      else void window.showErrorMessage(`Argot: ${check.message}`);
    },
    dispose() {
      follows.dispose();
      provider.dispose();
      changed.dispose();
    },
  };
}

/** The JSON file in front, or one that is asked for. */
async function pickPolicyFile(): Promise<EditorUri | undefined> {
  const document = window.activeTextEditor?.document;
  if (document?.languageId === 'json' || document?.languageId === 'jsonc') return document.uri;
  const files = await window.showOpenDialog({ title: 'Argot: Check Policy File', filters: { JSON: ['json'] } });
  return files?.[0];
}
