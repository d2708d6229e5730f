import type { LlamaContext, LlamaContextOptions, LlamaModel } from 'node-llama-cpp';
import { errorMessage } from './faults.ts';

/** A LoRA adapter's file and how strongly it works; several are applied together. */
export interface AdapterUse {
  readonly path: string;
  readonly scale: number;
}

/** A failed change leaves the adapters that were in use. */
export type SetAdaptersOutcome = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** Weights and one context on them. The library fixes a context's adapters when it is made. */
export interface Placement {
  readonly weights: LlamaModel;
  readonly context: LlamaContext;
  readonly adapters: readonly AdapterUse[];
  /** Files that these weights hold in memory: the library frees an adapter only with the weights. */
  readonly held: ReadonlySet<string>;
}

export interface PlacementDeps {
  readonly loadWeights: () => Promise<LlamaModel>;
  readonly context: LlamaContextOptions;
}

/**
 * With more adapters than this in memory, the next change opens the weights anew, beside the old ones. Weights are mapped,
 * so their pages are shared and that costs little; an adapter is 5 to 10 MB.
 */
export const heldAtMost = 6;

export async function firstPlacement({ loadWeights, context }: PlacementDeps): Promise<Placement> {
  const weights = await loadWeights();
  try {
    return { weights, context: await weights.createContext(context), adapters: [], held: new Set() };
  } catch (error) {
    await weights.dispose();
    throw error;
  }
}

export type NextPlacement =
  | { readonly ok: true; readonly placement: Placement }
  | { readonly ok: false; readonly message: string };

/** Makes the placement that takes the place of `previous`, which serves until then and is released by `retire`. */
export async function nextPlacement(
  previous: Placement,
  adapters: readonly AdapterUse[],
  { loadWeights, context }: PlacementDeps,
): Promise<NextPlacement> {
  const used = adapters.filter(({ scale }) => scale !== 0);
  const wanted = new Set([...previous.held, ...used.map(({ path }) => path)]);
  const anew = wanted.size > heldAtMost;
  let weights: LlamaModel | undefined;
  try {
    weights = anew ? await loadWeights() : previous.weights;
    const lora = { adapters: used.map(({ path, scale }) => ({ filePath: path, scale })) };
    const next = await weights.createContext({ ...context, ...(used.length === 0 ? {} : { lora }) });
    const held = anew ? new Set(used.map(({ path }) => path)) : wanted;
    return { ok: true, placement: { weights, context: next, adapters: used, held } };
  } catch (error) {
    if (anew) await weights?.dispose();
    return {
      ok: false,
      message: `The adapter could not be loaded (${errorMessage(error)}); what was in use stays in use.`,
    };
  }
}

/** Releases the context, and the weights unless `successor` still stands on them. */
export async function retire(placement: Placement, successor?: Placement): Promise<void> {
  await placement.context.dispose();
  if (placement.weights !== successor?.weights) await placement.weights.dispose();
}

export function sameAdapters(a: readonly AdapterUse[], b: readonly AdapterUse[]): boolean {
  const essence = (uses: readonly AdapterUse[]) =>
    JSON.stringify(uses.filter(({ scale }) => scale !== 0).map(({ path, scale }) => [path, scale]));
  return essence(a) === essence(b);
}
