import { TextDocument } from 'vscode-languageserver-textdocument';
import { budgetFor } from '../../language-server/src/completion/budget.ts';
import type { Candidate } from '../../language-server/src/context/candidates.ts';
import { createRecentEdits } from '../../language-server/src/context/recentEdits.ts';
import type { AskModel } from '../../language-server/src/context/whenToAsk.ts';
import type { Engine } from '../../language-server/src/engine/engine.ts';
import { slotCount } from '../../language-server/src/engine/residence.ts';
import { chooseSlot, sharedPrefix } from '../../language-server/src/engine/slots.ts';
import type { Chunker } from '../../language-server/src/indexing/grammars.ts';
import { createPromptAssembler } from '../../language-server/src/server/assemblePrompt.ts';
import { type OpenDocument, openDocument } from '../../language-server/src/server/documents.ts';
import { placeAt } from '../../language-server/src/server/place.ts';
import type { RetrievalCase } from './cases.ts';
import { searchPackage } from './packageIndex.ts';

/** Tokens of all prompts, those that an evaluated prompt shared, and those that were evaluated in pauses. */
export interface Reuse {
  promptTokens: number;
  reusedTokens: number;
  preparedTokens: number;
  requests: number;
  askedRequests: number;
}

const typedLines = 12;
const budget = budgetFor({ prefill: 150, decode: 60 }, 1024);
const uri = 'file:///package/file.js';

/**
 * Types a dozen lines into a file, from the case's line on, with a request at each line's start and after each third of it,
 * and a pause at each line's end, by the product's own prompt code; the engine is its rule for keeping evaluated prompts.
 */
export async function typeLines(
  engine: Engine,
  chunker: Chunker,
  made: RetrievalCase,
  askModel: AskModel | undefined,
  sum: Reuse,
): Promise<void> {
  const whole = made.before + made.target + made.after;
  const start = made.before.lastIndexOf('\n') + 1;
  const lines = whole.slice(start).split('\n').slice(0, typedLines);
  const rest = whole.slice(start + lines.join('\n').length);
  const open = openDocument({ uri, languageId: 'javascript', version: 1, text: whole.slice(0, start) + rest }, [
    { uri: 'file:///package', name: made.package },
  ]);
  let document: OpenDocument = { ...open, path: made.path };
  let found: readonly Candidate[] | undefined;
  const prompts = createPromptAssembler({
    document: () => document,
    tabs: () => [],
    edits: createRecentEdits(() => 0),
    withSnippets: () => askModel !== undefined,
    excluded: () => false,
    repository: () => found,
    askModel: () => askModel ?? { weights: [], threshold: 2, pauseThreshold: 2 },
    now: () => performance.now(),
  });
  const slots = Array.from({ length: slotCount }, () => ({ lastUsed: 0, tokens: [] as readonly number[] }));
  let clock = 0;
  const evaluate = (tokens: readonly number[]): number => {
    const slot = chooseSlot(slots, tokens);
    if (slot === undefined) return 0;
    const shared = sharedPrefix(slot.tokens, tokens);
    slot.tokens = tokens;
    slot.lastUsed = ++clock;
    return Math.min(shared, tokens.length - 1);
  };
  const look = async (before: string): Promise<void> => {
    if (askModel !== undefined) found = (await searchPackage(chunker, { ...made, before, after: rest }, 12)).found;
  };

  let typed = '';
  await look(whole.slice(0, start));
  for (const line of lines) {
    for (const part of [0, Math.ceil(line.length / 3), Math.ceil((line.length * 2) / 3)]) {
      const before = whole.slice(0, start) + typed + line.slice(0, part);
      document = { ...document, text: TextDocument.create(uri, 'javascript', ++clock, before + rest) };
      const place = placeAt(document, document.text.positionAt(before.length));
      const { tokens, context } = prompts.assemble(engine, document, place, budget);
      sum.promptTokens += tokens.length;
      sum.reusedTokens += evaluate(tokens);
      sum.requests++;
      if (context.decision === 'used') sum.askedRequests++;
    }
    typed += `${line}\n`;
    const before = whole.slice(0, start) + typed;
    document = { ...document, text: TextDocument.create(uri, 'javascript', ++clock, before + rest) };
    await look(before);
    const place = placeAt(document, document.text.positionAt(before.length));
    const next = prompts.renewal(engine, document, place, budget, 'chunks');
    if (next === undefined) continue;
    sum.preparedTokens += next.tokens.length - evaluate(next.tokens);
    next.adopt();
  }
}

export const noReuse = (): Reuse => ({
  promptTokens: 0,
  reusedTokens: 0,
  preparedTokens: 0,
  requests: 0,
  askedRequests: 0,
});
