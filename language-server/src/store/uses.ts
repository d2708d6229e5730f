import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type FileSystem, replaceFile } from './fileSystem.ts';
import { encodeLine, readLines } from './line.ts';

/** Which examples each adapter version was trained on: a file of one line per version, replaced as a whole. */
export interface Uses {
  mark(adapterId: string, ids: readonly string[]): Promise<void>;
  forget(adapterId: string): Promise<void>;
  adaptersUsing(ids: readonly string[]): readonly string[];
  /** Files that could not be read, by name. */
  readonly damaged: readonly string[];
}

const useSchema = z.object({ format: z.literal(1), adapterId: z.string(), ids: z.array(z.string()) });

export async function openUses(files: FileSystem, folder: string): Promise<Uses> {
  await files.makeFolder(folder);
  const byAdapter = new Map<string, ReadonlySet<string>>();
  const damaged: string[] = [];
  for (const name of await files.list(folder)) {
    if (!name.endsWith('.log')) continue;
    const bytes = await files.read(`${folder}/${name}`);
    const { lines, repaired } = readLines(bytes);
    const use = useSchema.safeParse(lines[0] === undefined ? undefined : JSON.parse(lines[0].json));
    if (!use.success) {
      damaged.push(name);
      continue;
    }
    if (repaired.length > 0) await replaceFile(files, folder, name, encodeLine(use.data)).catch(() => undefined);
    byAdapter.set(use.data.adapterId, new Set(use.data.ids));
  }
  return {
    async mark(adapterId, ids) {
      const all = new Set([...(byAdapter.get(adapterId) ?? []), ...ids]);
      await replaceFile(files, folder, nameOf(adapterId), encodeLine({ format: 1, adapterId, ids: [...all] }));
      byAdapter.set(adapterId, all);
    },
    async forget(adapterId) {
      await files.remove(`${folder}/${nameOf(adapterId)}`);
      byAdapter.delete(adapterId);
    },
    adaptersUsing: (ids) =>
      [...byAdapter].flatMap(([adapterId, used]) => (ids.some((id) => used.has(id)) ? adapterId : [])),
    damaged,
  };
}

/** An adapter's id may hold what a file's name may not. */
function nameOf(adapterId: string): string {
  return `${createHash('sha256').update(adapterId).digest('hex')}.log`;
}
