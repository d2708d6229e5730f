import type { Problem } from '#protocol/status.ts';
import type { Engine } from './engine.ts';
import { errorMessage } from './faults.ts';
import { machineMemory } from './hardware.ts';
import type { Library } from './library.ts';
import { type LlamaOptions, openEngine } from './llama.ts';
import { memoryNeed } from './memoryNeed.ts';
import { slotCount } from './residence.ts';
import { memoryProblem, modelProblem, type StoredModel } from './storedModel.ts';

export type LoadOutcome =
  /** `memoryBytes` is what it needs, as estimated. */
  | { readonly ok: true; readonly engine: Engine; readonly memoryBytes: number }
  | { readonly ok: false; readonly problem: Problem };

/**
 * Loads a model whose header was found whole, or says in a sentence why not. One that does not fit is refused before it
 * is tried, since it would take the machine down with it. `ownBytes` is what the model in use would give back.
 */
export async function loadModel(
  library: () => Promise<Library>,
  model: StoredModel,
  options: LlamaOptions,
  ownBytes: number,
): Promise<LoadOutcome> {
  const use = { contextTokens: options.contextTokens * slotCount, batchTokens: options.batchTokens };
  const tooLarge = memoryProblem(model, await machineMemory(), ownBytes, use);
  if (tooLarge !== undefined) return { ok: false, problem: tooLarge };
  try {
    const engine = await openEngine(await library(), model.info, options);
    return { ok: true, engine, memoryBytes: memoryNeed(model.memory, use) };
  } catch (error) {
    return modelProblem(
      'modelFailed',
      `${model.info.name} could not be loaded: ${errorMessage(error)}. Choose another model.`,
    );
  }
}
