import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { cacheFolder, exists, installOnce } from '../../scripts/setup/cache.mjs';
import { completionCases } from './cases.ts';
import { normalised, rejection } from './clean.ts';
import { withoutCopies } from './duplicates.ts';
import { type Manifest, readManifest } from './manifest.ts';
import { providePackages } from './packages.ts';
import { grouped, splitByTime } from './split.ts';
import { readTarball } from './tarball.ts';

const fileSchema = z.object({
  author: z.string(),
  package: z.string(),
  path: z.string(),
  /** The day of the package's publication, such as 2021-03-14. */
  published: z.string(),
  text: z.string(),
});
export type SourceFile = Readonly<z.infer<typeof fileSchema>>;

const caseSchema = z.object({
  id: z.string(),
  package: z.string(),
  path: z.string(),
  kind: z.enum(['line', 'mid']),
  /** At most 2,000 UTF-16 units before the cursor. */
  prefix: z.string(),
  /** The rest of the line. */
  target: z.string(),
  /** At most 800 units, beginning with the line's end. */
  suffix: z.string(),
});
export type CompletionCase = Readonly<z.infer<typeof caseSchema>>;

const splitsSchema = z.object({
  train: z.array(fileSchema),
  valid: z.array(fileSchema),
  test: z.array(fileSchema),
});
/** Whole packages, oldest first: about 70, 10 and 20 % of the text. */
export type Splits = Readonly<Record<'train' | 'valid' | 'test', readonly SourceFile[]>>;

const corpusSchema = splitsSchema.extend({
  author: z.string(),
  language: z.string(),
  cases: z.array(caseSchema),
  /** Files left out, by reason. */
  rejected: z.record(z.string(), z.number()),
});
/** One author's code: what a developer would learn from, be tuned on and be tested by. */
export interface AuthorCorpus extends Splits {
  readonly author: string;
  readonly language: string;
  readonly cases: readonly CompletionCase[];
  readonly rejected: Readonly<Record<string, number>>;
}

export interface CorporaOptions {
  /** Another manifest of the same form; ours unless given. */
  readonly manifest?: string | undefined;
  /** Only these, in this order; all unless given. Cleaning always looks at all, since copies are sought across authors. */
  readonly authors?: readonly string[] | undefined;
  readonly progress?: (line: string) => void;
}

/**
 * The corpora of a manifest's authors, from the user's cache folder or built into it (about a minute, mostly the network).
 * The same manifest gives the same corpora.
 */
export async function provideCorpora({
  manifest: given,
  authors,
  progress = () => {},
}: CorporaOptions = {}): Promise<AuthorCorpus[]> {
  const manifest = await readManifest(given);
  const name = `corpora-${await fingerprint(manifest)}`;
  const folder = join(cacheFolder(), name);
  if (!(await exists(folder))) {
    const corpora = await build(manifest, progress);
    await installOnce(name, async (staging: string) => {
      for (const corpus of corpora) await writeFile(join(staging, `${corpus.author}.json`), JSON.stringify(corpus));
    });
  }
  const known = manifest.authors.map(({ id }) => id);
  const unknown = authors?.find((author) => !known.includes(author));
  if (unknown !== undefined) throw new Error(`There is no author “${unknown}”. There are: ${known.join(', ')}.`);
  return Promise.all(
    (authors ?? known).map(async (author) =>
      corpusSchema.parse(JSON.parse(await readFile(join(folder, `${author}.json`), 'utf8'))),
    ),
  );
}

/** Of the manifest and of this folder's code, so that a change of either builds anew. */
async function fingerprint(manifest: Manifest): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(manifest));
  for (const name of (await readdir(import.meta.dirname)).sort()) {
    if (/^[a-z]+\.ts$/.test(name)) hash.update(await readFile(join(import.meta.dirname, name)));
  }
  return hash.digest('hex').slice(0, 16);
}

async function build(manifest: Manifest, progress: (line: string) => void): Promise<AuthorCorpus[]> {
  const tarballs = await providePackages(
    manifest.authors.flatMap(({ packages }) => packages),
    progress,
  );
  progress('Cleaning and splitting the corpora…');
  const files: SourceFile[] = [];
  const rejected = new Map<string, Record<string, number>>();
  for (const { id: author, packages } of manifest.authors) {
    const counts: Record<string, number> = {};
    rejected.set(author, counts);
    for (const each of packages) {
      for (const { path, data } of readTarball(tarballs.get(each) ?? Buffer.alloc(0))) {
        const text = normalised(data.toString('utf8'));
        const why = rejection(path, text);
        if (why !== undefined) counts[why] = (counts[why] ?? 0) + 1;
        else files.push({ author, package: each.name, path, published: each.published, text });
      }
    }
  }
  const kept = grouped(withoutCopies(files), ({ author }) => author);
  return manifest.authors.map(({ id: author, language }) => {
    const own = kept.get(author) ?? [];
    const copies = files.filter((file) => file.author === author).length - own.length;
    const splits = splitByTime(own);
    if ([splits.train, splits.valid, splits.test].some((split) => split.length === 0))
      throw new Error(`Too little is left of ${author} for three splits: name more packages.`);
    const cases = completionCases(author, splits.test);
    return { author, language, ...splits, cases, rejected: { ...rejected.get(author), copies } };
  });
}
