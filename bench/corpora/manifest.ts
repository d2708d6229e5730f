import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';

/** Licences that let a benchmark read the code; `(MIT OR CC0-1.0)` counts by its first. */
const permissive = /^\(?(MIT|ISC|0BSD|BSD(-[23]-Clause)?|Apache-2\.0|BlueOak-1\.0\.0)( OR [\w.-]+)*\)?$/;

const packageSchema = z.object({
  name: z.string().regex(/^(@[\w.-]+\/)?[\w.-]+$/),
  version: z.string().regex(/^\d+\.\d+\.\d+[\w.+-]*$/),
  /** The day that orders an author's packages. */
  published: z.iso.date(),
  license: z.string().regex(permissive, 'is not a licence that a benchmark may use'),
  integrity: z.string().startsWith('sha512-'),
});
export type PinnedPackage = z.infer<typeof packageSchema>;

const manifestSchema = z.object({
  authors: z
    .array(
      z.object({
        id: z.string().regex(/^[\w-]+$/),
        language: z.string(),
        packages: z.array(packageSchema).min(3),
      }),
    )
    .min(1),
});
export type Manifest = z.infer<typeof manifestSchema>;

/** The pinned packages of a manifest's authors; ours unless another file is named, as `npm run bench` was called. */
export async function readManifest(given: string | undefined): Promise<Manifest> {
  const file =
    given === undefined
      ? resolve(import.meta.dirname, 'manifest.json')
      : resolve(process.env.INIT_CWD ?? process.cwd(), given);
  const parsed = manifestSchema.safeParse(JSON.parse(await readFile(file, 'utf8')));
  if (!parsed.success) throw new Error(`${file} is not a manifest of authors: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
