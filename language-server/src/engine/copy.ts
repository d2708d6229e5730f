import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { land, spaceFault } from './disk.ts';
import type { DownloadProgress } from './download.ts';
import { cancelled, diskFault, errorMessage, type Fault, failed, type Outcome } from './faults.ts';

export interface CopyRequest {
  readonly from: string;
  /** Chosen when the checksum of the source is known; undefined drops the copy. */
  readonly destination: (sha256: string) => Promise<Outcome<{ readonly path: string }>>;
  /** Where the copy is written until it lands. */
  readonly folder: string;
  readonly onProgress: (progress: DownloadProgress) => void;
  readonly signal: AbortSignal;
}

/** Copies a file so that either all of it arrives under its final name or nothing does. */
export async function copyFile(request: CopyRequest): Promise<Outcome<{ readonly path: string }>> {
  const source = await openSource(request.from);
  if (!source.ok) return source;
  const temporary = join(request.folder, `.import-${randomUUID()}`);
  let file: FileHandle | undefined;
  try {
    await removeLeftovers(request.folder);
    const space = await spaceFault(request.folder, source.sizeBytes);
    if (space) return { ok: false, fault: space };
    file = await open(temporary, 'wx', 0o600);
    const sha256 = await copyBytes(source, file, request);
    if (typeof sha256 !== 'string') return { ok: false, fault: sha256 };
    const destination = await request.destination(sha256);
    if (!destination.ok) return destination;
    await land(file, temporary, destination.path);
    return destination;
  } catch (error) {
    return { ok: false, fault: request.signal.aborted ? cancelled : diskFault(error, request.folder) };
  } finally {
    await source.file.close();
    await file?.close().catch(() => undefined);
    await rm(temporary, { force: true });
  }
}

const leftoverMs = 24 * 3600e3;

/** A copy that a killed process left; one that is being written is younger. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith('.import-')) continue;
    const status = await stat(join(folder, name)).catch(() => undefined);
    if (status && Date.now() - status.mtimeMs > leftoverMs) await rm(join(folder, name), { force: true });
  }
}

interface Source {
  readonly file: FileHandle;
  readonly sizeBytes: number;
}

async function openSource(path: string): Promise<Outcome<Source>> {
  try {
    // A pipe would block in open(), so its kind is asked first.
    const status = await stat(path);
    if (!status.isFile()) return failed('fileMissing', `${path} is not a file. Name a GGUF file.`);
    return { ok: true, file: await open(path, 'r'), sizeBytes: status.size };
  } catch (error) {
    return failed(
      'fileMissing',
      `${path} could not be opened (${errorMessage(error)}). Check the path and its permissions.`,
    );
  }
}

/** The checksum, or why the source could not be read; what it throws is the destination's fault. */
async function copyBytes(source: Source, target: FileHandle, request: CopyRequest): Promise<string | Fault> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(1 << 20);
  for (let receivedBytes = 0; ; ) {
    request.signal.throwIfAborted();
    const bytesRead = await source.file.read(buffer, 0, buffer.length, receivedBytes).then(
      (result) => result.bytesRead,
      (error: unknown) => errorMessage(error),
    );
    if (typeof bytesRead === 'string') {
      return { code: 'fileMissing', message: `${request.from} could not be read (${bytesRead}). Check its disk.` };
    }
    if (bytesRead === 0) return hash.digest('hex');
    const chunk = buffer.subarray(0, bytesRead);
    hash.update(chunk);
    await target.writeFile(chunk);
    receivedBytes += bytesRead;
    request.onProgress({ phase: 'downloading', receivedBytes, totalBytes: source.sizeBytes });
  }
}
