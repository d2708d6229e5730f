import { budgetFor, type Speed } from '../../language-server/src/completion/budget.ts';
import { applyFilters } from '../../language-server/src/completion/filters/apply.ts';
import { completionMode } from '../../language-server/src/completion/mode.ts';
import { createStopRule } from '../../language-server/src/completion/stop.ts';
import { createRecentEdits } from '../../language-server/src/context/recentEdits.ts';
import type { Engine } from '../../language-server/src/engine/engine.ts';
import { createPromptAssembler } from '../../language-server/src/server/assemblePrompt.ts';
import {
  applyChanges,
  type OpenDocument,
  openDocument,
  textAfter,
  textBefore,
} from '../../language-server/src/server/documents.ts';
import type { LlamaServer } from './llamaServer.ts';
import { type Side, uriOf } from './side.ts';

/** Lines with content that a block may have: completionService.ts. */
const maxBlockLines = 12;

export interface PeerOptions {
  readonly server: LlamaServer;
  readonly engine: Engine;
  /** What our server measured last: the prompt's budget follows it, so both sides get the same prompts. */
  readonly speed: () => Speed | undefined;
  /**
   * `healed`: as ours, without the end of what was typed, which the model writes again, freely. `plain`: up to the
   * cursor, as most clients of llama-server send it.
   */
  readonly ending: 'healed' | 'plain';
}

/** llama-server behind a client as good as ours, but for what only the engine can do: one request a keystroke. */
export function createPeerSide({ server, engine, speed, ending }: PeerOptions): Side {
  let project = '';
  const documents = new Map<string, OpenDocument>();
  let tabs: string[] = [];
  let edits = createRecentEdits(Date.now);
  const newPrompts = () =>
    createPromptAssembler({
      document: (uri) => documents.get(uri),
      tabs: () => tabs,
      edits,
      withSnippets: () => true,
      excluded: () => false,
      now: () => performance.now(),
    });
  let prompts = newPrompts();
  const visit = (path: string): void => {
    const uri = uriOf(project, path);
    tabs = [uri, ...tabs.filter((tab) => tab !== uri)];
  };

  return {
    async begin(next) {
      documents.clear();
      tabs = [];
      edits = createRecentEdits(Date.now);
      prompts = newPrompts();
      project = next;
    },
    async open({ path, languageId }, text) {
      const uri = uriOf(project, path);
      const folders = [{ uri: uriOf(project), name: project }];
      documents.set(uri, openDocument({ uri, languageId, version: 1, text }, folders));
      visit(path);
    },
    async jump(path) {
      visit(path);
    },
    async key(path, edit) {
      const uri = uriOf(project, path);
      const document = documents.get(uri);
      if (document === undefined) throw new Error(`The trace uses ${path} before it opens it.`);
      const range = {
        start: document.text.positionAt(edit.offset),
        end: document.text.positionAt(edit.offset + edit.deleted),
      };
      const changes = applyChanges(
        document,
        [{ range, text: edit.inserted }],
        document.text.version + 1,
        performance.now(),
      );
      for (const { line, lineDelta } of changes) edits.changed(uri, line, lineDelta);

      const prefix = textBefore(document.text, edit.cursor);
      const suffix = textAfter(document.text, edit.cursor);
      const { languageId } = document.text;
      const budget = budgetFor(speed(), engine.contextTokens);
      const place = { uri, offset: edit.cursor, documentOffset: edit.cursor, prefix, suffix, lead: '' };
      const replaceFrom = document.text.positionAt(edit.cursor);
      const prompt = prompts.assemble(engine, document, { ...place, replaceFrom }, budget);
      const context = { prefix, suffix, languageId };
      const mode = completionMode({ ...context, multiline: 'auto' });
      const stop = createStopRule({ ...context, mode, maxLines: maxBlockLines });
      const rewritten = ending === 'healed' ? prompt.required : '';
      const end: { at: ReturnType<typeof stop> } = { at: null };

      // Building the prompt is left out of the peer's time: ours pays for it, a client of another make may not.
      const began = performance.now();
      const result = await server.complete({
        prompt: ending === 'healed' ? prompt.text : prompt.text + prompt.required,
        maxTokens: mode.mode === 'line' ? budget.lineTokens : budget.blockTokens,
        onText(text) {
          if (text.length < rewritten.length) return false;
          end.at = stop(text.slice(rewritten.length));
          return end.at !== null;
        },
      });
      const latencyMs = performance.now() - began;
      const written = result.text.startsWith(rewritten) ? (end.at?.text ?? result.text.slice(rewritten.length)) : '';
      return {
        latencyMs,
        offer: applyFilters(written, { ...context, mode }).text ?? '',
        fromModel: true,
        promptTokens: result.reusedTokens + result.evaluatedTokens,
        evaluatedTokens: result.evaluatedTokens,
        decodedTokens: result.decodedTokens,
        prefillMs: result.prefillMs,
        decodeMs: result.decodeMs,
        decodeSteps: Math.max(0, result.decodedTokens - 1),
        waitMs: 0,
        prompt: prompt.text,
      };
    },
  };
}
