import { budgetFor, type Speed } from '../../language-server/src/completion/budget.ts';
import { applyFilters } from '../../language-server/src/completion/filters/apply.ts';
import { completeFirstLine } from '../../language-server/src/completion/lines.ts';
import { completionMode } from '../../language-server/src/completion/mode.ts';
import { createStopRule, finishText } from '../../language-server/src/completion/stop.ts';
import { shippedAskModel } from '../../language-server/src/context/askModel.ts';
import { createRecentEdits } from '../../language-server/src/context/recentEdits.ts';
import type { Engine } from '../../language-server/src/engine/engine.ts';
import { createPromptAssembler } from '../../language-server/src/server/assemblePrompt.ts';
import { applyChanges, type OpenDocument, openDocument } from '../../language-server/src/server/documents.ts';
import { placeAt } from '../../language-server/src/server/place.ts';
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
      // The peer's client has no index.
      repository: () => undefined,
      askModel: () => shippedAskModel,
      now: () => performance.now(),
    });
  let prompts = newPrompts();
  const visit = (path: string): void => {
    const uri = uriOf(project, path);
    tabs = [uri, ...tabs.filter((tab) => tab !== uri)];
  };

  const documentAt = (path: string): OpenDocument => {
    const document = documents.get(uriOf(project, path));
    if (document === undefined) throw new Error(`The trace uses ${path} before it opens it.`);
    return document;
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
    async jump(path, offset) {
      visit(path);
      // Ours prepares a prompt for the place, which decides where its window begins; so the peer's begins there too.
      const document = documentAt(path);
      prompts.assemble(
        engine,
        document,
        placeAt(document, document.text.positionAt(offset)),
        budgetFor(speed(), engine.contextTokens),
      );
    },
    async key(path, edit) {
      const document = documentAt(path);
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
      for (const { line, lineDelta } of changes) {
        edits.changed(document.text.uri, line, lineDelta);
        prompts.edited(document.text.uri, line, lineDelta);
      }

      const place = placeAt(document, document.text.positionAt(edit.cursor));
      const { prefix, suffix } = place;
      const { languageId } = document.text;
      const budget = budgetFor(speed(), engine.contextTokens);
      const prompt = prompts.assemble(engine, document, place, budget);
      const context = { prefix, suffix, languageId };
      const mode = completionMode({ ...context, multiline: 'auto' });
      const stopOptions = { ...context, mode, maxLines: maxBlockLines };
      const stop = createStopRule(stopOptions);
      const rewritten = ending === 'healed' ? prompt.required : '';
      const end: { at: ReturnType<typeof stop> } = { at: null };

      // Building the prompt is left out of the peer's time: ours pays for it, a client of another make may not.
      const began = performance.now();
      let firstLineMs: number | undefined;
      const result = await server.complete({
        prompt: ending === 'healed' ? prompt.text : prompt.text + prompt.required,
        maxTokens: mode.mode === 'line' ? budget.lineTokens : budget.blockTokens,
        onText(text) {
          if (text.length < rewritten.length) return false;
          const after = text.slice(rewritten.length);
          end.at = stop(after);
          if (mode.mode === 'block' && completeFirstLine(after) !== undefined)
            firstLineMs ??= performance.now() - began;
          return end.at !== null;
        },
      });
      const latencyMs = performance.now() - began;
      const whole =
        end.at?.text ??
        finishText(
          stopOptions,
          result.text.slice(rewritten.length),
          result.ended === 'endOfText' ? 'endOfText' : 'maxTokens',
        );
      const written = result.text.startsWith(rewritten) ? whole : '';
      return {
        latencyMs,
        firstLineMs: firstLineMs ?? latencyMs,
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
