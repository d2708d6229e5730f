import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { adaptAsk } from '../context/adaptAsk.ts';
import { featureNames } from '../context/askFeatures.ts';
import { shippedAskModel } from '../context/askModel.ts';
import { identifiersOf } from '../context/terms.ts';
import type { AskModel } from '../context/whenToAsk.ts';

/** What is known of a suggestion until the developer takes it or lets it go. */
export interface AskedSuggestion {
  readonly itemId: string;
  readonly features: readonly number[];
  readonly asked: boolean;
  /** Names that the chunks have and the prompt's own text lacks. */
  readonly novelNames: ReadonlySet<string>;
}

/** This user's predictor of when chunks help: it learns from what is taken. */
export interface AskMemory {
  model(): AskModel;
  suggested(suggestion: AskedSuggestion): void;
  /** The developer took this text of a suggestion. */
  taken(itemId: string, text: string): void;
}

const remembered = 100;
const storeAfterMs = 10_000;
/** Weights of other features than today's are of no use. */
const storedSchema = z.object({ features: z.tuple([z.literal(featureNames.join(' '))]), weights: z.array(z.number()) });

/** Kept in a small file; one that is missing or damaged means the shipped weights. */
export function createAskMemory(file: string, log: (message: string) => void): AskMemory {
  const open = new Map<string, AskedSuggestion>();
  let model: AskModel = { ...shippedAskModel, weights: storedWeights(file) ?? shippedAskModel.weights };
  let storing: NodeJS.Timeout | undefined;

  async function store(): Promise<void> {
    storing = undefined;
    const text = JSON.stringify({ features: [featureNames.join(' ')], weights: model.weights });
    await writeFile(`${file}.tmp`, text, { mode: 0o600 });
    await rename(`${file}.tmp`, file);
  }

  return {
    model: () => model,
    suggested(suggestion) {
      open.set(suggestion.itemId, suggestion);
      const [oldest] = open.keys();
      if (open.size > remembered && oldest !== undefined) open.delete(oldest);
    },
    taken(itemId, text) {
      const suggestion = open.get(itemId);
      if (suggestion === undefined) return;
      open.delete(itemId);
      const helped = identifiersOf(text).some((name) => suggestion.novelNames.has(name));
      model = adaptAsk(model, shippedAskModel, { features: suggestion.features, asked: suggestion.asked, helped });
      if (storing !== undefined) return;
      storing = setTimeout(() => {
        store().catch((error: unknown) => log(`What was learned of when to ask is not stored: ${String(error)}`));
      }, storeAfterMs).unref();
    },
  };
}

function storedWeights(file: string): readonly number[] | undefined {
  try {
    const stored = storedSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    return stored.weights.length === featureNames.length + 1 ? stored.weights : undefined;
  } catch {
    return undefined;
  }
}
