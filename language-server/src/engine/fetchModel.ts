import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { modelsFolder } from '../home.ts';
import { type CatalogueEntry, catalogue, catalogueEntry } from './catalogue.ts';
import { cancelled, diskFault, failed, type Outcome } from './faults.ts';
import { acquireLock, type LockTimes } from './lock.ts';
import { type OnProgress, throttled } from './progress.ts';
import { fetchFromSources, modelFault, type Reach } from './sources.ts';
import { partPaths } from './transfer.ts';

export interface FetchModelOptions {
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
  /** Taken instead of the sources, when its checksum is the model's. */
  readonly namedFile?: string;
  readonly lockTimes?: LockTimes;
}

/**
 * Makes sure that a model of the catalogue is in the folder, and tells where. Does nothing when it is; when another
 * process is fetching it, waits for that one, and goes on in its place should it die.
 */
export async function fetchModel(
  id: string,
  home: string,
  reach: Reach,
  options: FetchModelOptions,
  entry: CatalogueEntry | undefined = catalogueEntry(id),
): Promise<Outcome<{ readonly path: string }>> {
  if (!entry)
    return failed(
      'unknownModel',
      `There is no model “${id}”. Known are ${catalogue.map((each) => each.id).join(', ')}.`,
    );
  const made = await modelsFolder(home);
  if (!made.ok) return made;
  const destination = join(made.folder, entry.fileName);
  if (await isInstalled(destination, entry)) return { ok: true, path: destination };
  const onProgress = throttled(options.onProgress);
  const lockPath = `${destination}.lock`;
  try {
    const waiting = () => reportOther(destination, entry, onProgress);
    await using lock = await acquireLock(lockPath, options.signal, waiting, options.lockTimes);
    if (await isInstalled(destination, entry)) return { ok: true, path: destination };
    const signal = AbortSignal.any([options.signal, lock.lost]);
    const { namedFile } = options;
    const request = { entry, folder: made.folder, destination, reach, onProgress, signal };
    const result = await fetchFromSources(namedFile === undefined ? request : { ...request, namedFile });
    if (!lock.lost.aborted) return result;
    return failed('interrupted', `Another process took over the download of ${entry.name}. Try again in a moment.`);
  } catch (error) {
    return { ok: false, fault: options.signal.aborted ? cancelled : diskFault(error, lockPath) };
  }
}

/** A file of the right size whose header is whole: the checksum was right when it landed. */
export async function isInstalled(path: string, entry: CatalogueEntry): Promise<boolean> {
  const status = await stat(path).catch(() => undefined);
  return status?.size === entry.sizeBytes && (await modelFault(path)) === undefined;
}

async function reportOther(destination: string, entry: CatalogueEntry, onProgress: OnProgress): Promise<void> {
  const part = await stat(partPaths(destination).part).catch(() => undefined);
  onProgress({
    phase: 'downloading',
    receivedBytes: part?.size ?? 0,
    totalBytes: entry.sizeBytes,
    source: 'another Argot process',
  });
}
