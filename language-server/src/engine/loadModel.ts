import type { Problem } from '#protocol/status.ts';
import type { Llama } from 'node-llama-cpp';
import type { Engine, ModelInfo } from './engine.ts';
import { errorMessage } from './faults.ts';
import { type GgufFault, readGguf } from './gguf.ts';
import { fits, machineMemory } from './hardware.ts';
import { type LlamaOptions, openEngine, slotCount } from './llama.ts';
import { inWords } from './faults.ts';
import { memoryFactsOf, memoryNeed } from './memoryNeed.ts';
import { promptFormatOf, unsupportedReason } from './promptFormat.ts';

export type LoadOutcome = { readonly ok: true; readonly engine: Engine } | { readonly ok: false; readonly problem: Problem };

/** What is known of a model beside its file. */
export interface ModelIdentity {
  readonly id: string;
  readonly name: string;
  readonly licence: string;
  readonly path: string;
}

const problemOf: Record<GgufFault, Problem['code']> = {
  missing: 'modelFileMissing',
  unreadable: 'modelFileMissing',
  notGguf: 'modelNotGguf',
  unsupportedVersion: 'modelUnsupported',
  truncated: 'modelTruncated',
  damaged: 'modelNotGguf',
};

const chooseAnother = { title: 'Choose Model', command: 'argot.chooseModel' } as const;

/**
 * Loads a model, or says in a sentence why not. The file's header is read first: the library ends the whole process on
 * some damaged files, and a model that does not fit would take the machine down with it.
 */
export async function loadModel(
  library: () => Promise<Llama>,
  identity: ModelIdentity,
  options: LlamaOptions,
  ownBytes: number,
): Promise<LoadOutcome> {
  const gguf = await readGguf(identity.path);
  if (!gguf.ok) return problem(problemOf[gguf.fault], gguf.message);
  const unsupported = unsupportedReason(gguf.gguf);
  if (unsupported !== undefined) return problem('modelUnsupported', unsupported);

  const use = { contextTokens: options.contextTokens * slotCount, batchTokens: options.batchTokens };
  const needBytes = memoryNeed(memoryFactsOf(gguf.gguf), use);
  const memory = await machineMemory();
  if (!fits(needBytes, memory, ownBytes)) {
    return problem(
      'modelTooLarge',
      `${identity.name} needs about ${inWords(needBytes)} of memory and ${inWords(memory.availableBytes)} are free. Choose a smaller model, or close other programs.`,
    );
  }
  const { architecture } = gguf.gguf;
  const info: ModelInfo = {
    ...identity,
    sizeBytes: gguf.gguf.sizeBytes,
    architecture,
    trainedContext: Number(gguf.gguf.metadata.get(`${architecture}.context_length`) ?? 0),
    format: promptFormatOf(gguf.gguf),
  };
  try {
    return { ok: true, engine: await openEngine(await library(), info, options) };
  } catch (error) {
    return problem('modelFailed', `${identity.name} could not be loaded: ${errorMessage(error)}. Choose another model.`);
  }
}

function problem(code: Problem['code'], message: string): LoadOutcome {
  return { ok: false, problem: { code, message, remedy: chooseAnother } };
}
