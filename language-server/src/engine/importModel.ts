import { createHash } from 'node:crypto';
import { open, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { modelsFolder } from '../home.ts';
import { catalogue } from './catalogue.ts';
import { copyFile } from './copy.ts';
import { failed, type Outcome } from './faults.ts';
import { type OnProgress, throttled } from './progress.ts';
import { modelFault } from './sources.ts';

/**
 * Copies a user's model into the folder and tells its id: a file that the catalogue knows by its checksum gets its place
 * there, any other keeps its name and is known by its path. A file that is in the folder already stays as it is.
 */
export async function importModel(
  from: string,
  home: string,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<Outcome<{ readonly id: string; readonly path: string }>> {
  const made = await modelsFolder(home);
  if (!made.ok) return made;
  const fault = await modelFault(from);
  if (fault) return { ok: false, fault };
  const source = await realpath(from).catch(() => from);
  if (dirname(source) === (await realpath(made.folder).catch(() => made.folder))) return { ok: true, ...named(source) };
  const report = throttled(onProgress);
  const copied = await copyFile({
    from: source,
    folder: made.folder,
    signal,
    onProgress: (progress) => report({ ...progress, source: from }),
    destination: (sha256) => freePath(made.folder, basename(source), sha256),
  });
  return copied.ok ? { ok: true, ...named(copied.path) } : copied;
}

function named(path: string): { readonly id: string; readonly path: string } {
  return { id: catalogue.find(({ fileName }) => fileName === basename(path))?.id ?? path, path };
}

/** Never replaces another model that happens to have the same name. */
async function freePath(folder: string, name: string, sha256: string): Promise<Outcome<{ readonly path: string }>> {
  const known = catalogue.find((entry) => entry.sha256 === sha256);
  if (known) return { ok: true, path: join(folder, known.fileName) };
  const stem = basename(name, extname(name));
  for (let number = 1; number <= 100; number++) {
    const path = join(folder, `${stem}${number === 1 ? '' : `-${number}`}.gguf`);
    const isReserved = catalogue.some(({ fileName }) => fileName === basename(path));
    if (!isReserved && (await isFreeFor(path, sha256))) return { ok: true, path };
  }
  return failed('disk', `${folder} holds a hundred models named ${name}. Rename the file and import it again.`);
}

/** The same file again is free to be replaced by itself. */
async function isFreeFor(path: string, sha256: string): Promise<boolean> {
  if (!(await stat(path).catch(() => undefined))) return true;
  const file = await open(path, 'r');
  try {
    const hash = createHash('sha256');
    for await (const chunk of file.createReadStream({ autoClose: false })) hash.update(chunk);
    return hash.digest('hex') === sha256;
  } finally {
    await file.close();
  }
}
