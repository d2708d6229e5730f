import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { ModelInfo } from '../engine/engine.ts';
import { readGguf } from '../engine/gguf.ts';
import { sha256OfFile } from './adapterFile.ts';
import type { AdapterBase } from './adapterVersions.ts';
import { readChecked, writeChecked } from './checkedFile.ts';

const knownSchema = z.record(
  z.string(),
  z.object({ sizeBytes: z.number(), modifiedMs: z.number(), sha256: z.string() }),
);

/**
 * A model as the base of adapters. Its checksum takes a second for a gigabyte, so it is kept by path, size and time of
 * change. Undefined where the file can't be read any more.
 */
export async function adapterBase(home: string, model: ModelInfo): Promise<AdapterBase | undefined> {
  const file = join(home, 'adapters', 'bases.checked');
  const read = await readGguf(model.path);
  const status = await stat(model.path).catch(() => undefined);
  if (!read.ok || status === undefined) return undefined;
  const stored = await readChecked(file, knownSchema);
  const known = stored.kind === 'read' ? stored.value : {};
  const { size: sizeBytes, mtimeMs: modifiedMs } = status;
  const found = known[model.path];
  if (found?.sizeBytes === sizeBytes && found.modifiedMs === modifiedMs) {
    return { sha256: found.sha256, name: model.name, gguf: read.gguf };
  }
  const sha256 = await sha256OfFile(model.path);
  await writeChecked(file, { ...known, [model.path]: { sizeBytes, modifiedMs, sha256 } }).catch(() => undefined);
  return { sha256, name: model.name, gguf: read.gguf };
}
