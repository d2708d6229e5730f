import { basename } from 'node:path';
import type { Problem } from '#protocol/status.ts';
import type { CatalogueEntry } from './catalogue.ts';
import type { ModelInfo } from './engine.ts';
import { inWords } from './faults.ts';
import { type GgufFault, type GgufFile, readGguf } from './gguf.ts';
import { fits, type MachineMemory } from './hardware.ts';
import { type MemoryFacts, type MemoryUse, memoryFactsOf, memoryNeed, usualUse } from './memoryNeed.ts';
import { promptFormatOf, unsupportedReason } from './promptFormat.ts';

/** A model whose file is here and looks whole. */
export interface StoredModel {
  readonly id: string;
  readonly info: ModelInfo;
  /** As people say it: `135M`, `1.5B`. */
  readonly parameters: string;
  readonly memory: MemoryFacts;
  /** As `CatalogueEntry.codeQuality`; guessed from the size for a user's own file. */
  readonly codeQuality: number;
}

export type FoundModel =
  | { readonly ok: true; readonly model: StoredModel }
  | { readonly ok: false; readonly problem: Problem };

/** Reads the file's header; the prompt format is always the file's own. `entry` is its place in the catalogue, if any. */
export async function openStoredModel(
  path: string,
  entry: CatalogueEntry | undefined,
  signal?: AbortSignal,
): Promise<FoundModel> {
  const read = await readGguf(path, signal);
  if (!read.ok) return modelProblem(problemCodes[read.fault], read.message);
  const unsupported = unsupportedReason(read.gguf);
  if (unsupported) return modelProblem('modelUnsupported', unsupported);
  return { ok: true, model: describe(read.gguf, entry) };
}

export function modelProblem(
  code: Problem['code'],
  message: string,
): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem: { code, message, remedy: { title: 'Choose Model', command: 'argot.chooseModel' } } };
}

/** Why the model does not fit memory now. `ownBytes` is what the model in use would give back. */
export function memoryProblem(
  { info, memory }: StoredModel,
  machine: MachineMemory,
  ownBytes = 0,
  use: MemoryUse = usualUse,
): Problem | undefined {
  const need = memoryNeed(memory, use);
  if (fits(need, machine, ownBytes)) return undefined;
  const available = inWords(machine.availableBytes + ownBytes);
  const message = `${info.name} needs about ${inWords(need)} of memory, and ${available} are available. Close other programs, or choose a smaller model.`;
  return modelProblem('modelTooLarge', message).problem;
}

const problemCodes: Readonly<Record<GgufFault, Problem['code']>> = {
  missing: 'modelFileMissing',
  unreadable: 'modelFailed',
  notGguf: 'modelNotGguf',
  unsupportedVersion: 'modelUnsupported',
  truncated: 'modelTruncated',
  damaged: 'modelTruncated',
};

function describe(gguf: GgufFile, entry: CatalogueEntry | undefined): StoredModel {
  const { path, sizeBytes, architecture, metadata } = gguf;
  const format = promptFormatOf(gguf);
  const id = entry?.id ?? path;
  return {
    id,
    info: {
      id,
      name: entry?.name ?? String(metadata.get('general.name') ?? basename(path)),
      path,
      sizeBytes,
      licence: entry?.licence ?? String(metadata.get('general.license') ?? 'not stated'),
      architecture,
      trainedContext: Number(metadata.get(`${architecture}.context_length`) ?? entry?.contextTokens ?? 2048),
      format,
    },
    parameters: entry?.parameters ?? parametersInWords(gguf.parameterCount),
    memory: memoryFactsOf(gguf),
    codeQuality: entry?.codeQuality ?? (gguf.parameterCount / 1e9) * (format.fim ? 0.5 : 0.1),
  };
}

function parametersInWords(count: number): string {
  return count >= 1e9 ? `${(count / 1e9).toFixed(1)}B` : `${Math.max(1, Math.round(count / 1e6))}M`;
}
