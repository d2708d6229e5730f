import { readdir } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { ModelChoice } from '#protocol/models.ts';
import { modelsFolder } from '../home.ts';
import { type CatalogueEntry, catalogue, catalogueEntry } from './catalogue.ts';
import { pickDefault } from './defaultModel.ts';
import type { Fault, Outcome } from './faults.ts';
import { type FetchModelOptions, fetchModel } from './fetchModel.ts';
import { fits, type MachineMemory, machineMemory } from './hardware.ts';
import { importModel } from './importModel.ts';
import { memoryNeed } from './memoryNeed.ts';
import type { OnProgress } from './progress.ts';
import type { Reach } from './sources.ts';
import { readSpeeds, type Speed, type Speeds, writeSpeed } from './speeds.ts';
import { type FoundModel, modelProblem, openStoredModel, type StoredModel } from './storedModel.ts';

export interface ModelStoreOptions {
  readonly home: string;
  /** Asked at each download, since the user may change it in between. */
  readonly reach: () => Reach;
  readonly memory?: () => Promise<MachineMemory>;
}

export interface ModelList {
  readonly choices: readonly ModelChoice[];
  /** One sentence for each file in the folder that can't be used. */
  readonly complaints: readonly string[];
}

/** What is in use, so that the list can mark it and count its memory as free for another. */
export interface InUse {
  readonly id: string;
  readonly memoryBytes: number;
}

export interface ModelStore {
  list(inUse?: InUse): Promise<ModelList>;
  /** By catalogue id or absolute path; reads the header only. */
  find(idOrPath: string, signal?: AbortSignal): Promise<FoundModel>;
  fetch(id: string, options: FetchModelOptions): Promise<Outcome<{ readonly path: string }>>;
  importFile(
    path: string,
    onProgress: OnProgress,
    signal: AbortSignal,
  ): Promise<Outcome<{ readonly id: string; readonly path: string }>>;
  /** The best permitted model for this machine; undefined when none is installed. */
  pickDefault(permits: (model: StoredModel) => Promise<boolean>): Promise<StoredModel | undefined>;
  rememberSpeed(id: string, speed: Speed): Promise<Fault | undefined>;
}

/** The models of one user, in `<home>/models`. Safe for several processes at once. */
export function modelStore({ home, reach, memory = machineMemory }: ModelStoreOptions): ModelStore {
  return {
    async list(inUse) {
      const [installed, speeds, machine] = await Promise.all([readInstalled(home), readSpeeds(home), memory()]);
      const toChoice = (model: Listed) => choice(model, speeds, machine, inUse);
      const own = installed.models.filter(({ id }) => !catalogueEntry(id));
      const known = catalogue.map((entry) => installed.models.find(({ id }) => id === entry.id) ?? absent(entry));
      return { choices: [...known, ...own].map(toChoice), complaints: installed.complaints };
    },
    find: (idOrPath, signal) => find(home, idOrPath, signal),
    fetch: (id, options) => fetchModel(id, home, reach(), options),
    importFile: (path, onProgress, signal) => importModel(path, home, onProgress, signal),
    async pickDefault(permits) {
      const [installed, speeds, machine] = await Promise.all([readInstalled(home), readSpeeds(home), memory()]);
      const permitted: StoredModel[] = [];
      for (const model of installed.models) if (await permits(model)) permitted.push(model);
      // Where policy forbids all of them, the best one says so when it is loaded.
      return pickDefault(permitted.length > 0 ? permitted : installed.models, machine, speeds);
    },
    rememberSpeed: (id, speed) => writeSpeed(home, id, speed),
  };
}

async function find(home: string, idOrPath: string, signal?: AbortSignal): Promise<FoundModel> {
  const entry = catalogueEntry(idOrPath);
  if (!entry && !isAbsolute(idOrPath)) {
    const known = catalogue.map(({ id }) => id).join(', ');
    return modelProblem(
      'unknownModel',
      `There is no model “${idOrPath}”. Set argot.model to auto, to the absolute path of a GGUF file, or to one of ${known}.`,
    );
  }
  const path = entry ? join(home, 'models', entry.fileName) : idOrPath;
  const found = await openStoredModel(path, entry ?? ownEntry(home, path), signal);
  if (found.ok || !entry || found.problem.code !== 'modelFileMissing') return found;
  return modelProblem('modelFileMissing', `${entry.name} is not installed. Run “Argot: Choose Model” to download it.`);
}

/** The path of an installed catalogue model is the same model as its id. */
function ownEntry(home: string, path: string): CatalogueEntry | undefined {
  return catalogue.find(({ fileName }) => join(home, 'models', fileName) === path);
}

async function readInstalled(home: string) {
  const made = await modelsFolder(home);
  // A disk that can't be written may still hold models.
  const folder = made.ok ? made.folder : join(home, 'models');
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.gguf')).sort();
  const models: StoredModel[] = [];
  const complaints: string[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const found = await openStoredModel(path, ownEntry(home, path));
    if (found.ok) models.push(found.model);
    else complaints.push(found.problem.message);
  }
  return { models, complaints };
}

/** Of an installed model what its file tells, of another what the catalogue tells. */
type Listed = StoredModel | (Pick<StoredModel, 'id' | 'parameters' | 'memory'> & { readonly entry: CatalogueEntry });

function absent(entry: CatalogueEntry): Listed {
  return { id: entry.id, parameters: entry.parameters, memory: entry.memory, entry };
}

function choice(model: Listed, speeds: Speeds, machine: MachineMemory, inUse: InUse | undefined): ModelChoice {
  const { id, parameters, memory } = model;
  const memoryBytes = memoryNeed(memory);
  const speed = speeds[id];
  const told = 'entry' in model ? model.entry : model.info;
  return {
    id,
    name: told.name,
    parameters,
    licence: told.licence,
    sizeBytes: told.sizeBytes,
    memoryBytes,
    fitsMemory: fits(memoryBytes, machine, inUse?.memoryBytes),
    fillInTheMiddle: 'entry' in model ? model.entry.fillInTheMiddle : model.info.format.fim !== undefined,
    installed: !('entry' in model),
    active: inUse?.id === id,
    ...(speed && { speed }),
  };
}
