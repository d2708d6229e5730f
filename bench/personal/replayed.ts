import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { linesAfter, linesBefore, linesFarBefore } from '../../language-server/src/learning/window.ts';
import { createHome } from '../../test/lib/server.ts';
import type { AuthorCorpus } from '../corpora/corpus.ts';
import { modelPath } from '../lib/product.ts';
import { liveADay, liveANight } from '../replay/day.ts';
import { placesOf } from '../replay/developer.ts';
import { keyOf } from './steps.ts';

const nightSchema = z.object({
  /** Lines since the first day: typed, with a suggestion taken in whole or in part, and with one taken in whole. */
  lines: z.number(),
  accepted: z.number(),
  whole: z.number(),
  /** Places that were worked at. */
  places: z.number(),
  outcome: z.string(),
  /** What is in use after it; absent where that is the base model. */
  adapter: z.object({ path: z.string(), scale: z.number() }).optional(),
});
export type ReplayedNight = Readonly<z.infer<typeof nightSchema>>;

export interface ReplayDeps {
  readonly cache: string;
  readonly threads: number;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/**
 * Lets the author type their older packages through the language server until suggestions are accepted in so many lines, and the
 * server train at night, one night for each count. Each night is kept with its home, so that a later one goes on there.
 */
export async function replayedNights(
  { cache, threads, signal, progress }: ReplayDeps,
  { author, train }: AuthorCorpus,
  counts: readonly number[],
): Promise<ReplayedNight[]> {
  const all = placesOf(train);
  const about = all.map(({ file, from, to }) => [file.text.length, file.path, from, to]);
  const folder = join(cache, `replayed-${author}-${keyOf([about, linesBefore, linesAfter, linesFarBefore])}`);
  const nights: ReplayedNight[] = [];
  let before: { readonly folder: string; readonly night: ReplayedNight } | undefined;
  for (const [day, count] of counts.toSorted((a, b) => a - b).entries()) {
    const own = join(folder, counts.slice(0, day + 1).join('-'));
    let night = await readNight(own);
    if (night === undefined) {
      await using home = await createHome([modelPath()]);
      for (const name of kept)
        if (before !== undefined) await cp(join(before.folder, name), join(home.path, name), { recursive: true });
      const known = before?.night ?? { accepted: 0, whole: 0, lines: 0, places: 0 };
      const places = all.slice(known.places);
      const workplace = { home: home.path, places, training: { threads, lowPriority: false } };
      const began = performance.now();
      const { totals, examples } = await liveADay(
        workplace,
        day,
        ({ taken }) => known.accepted + taken >= count || signal.aborted,
      );
      signal.throwIfAborted();
      const typedMs = performance.now() - began;
      const { outcome, message, adapter } = await liveANight(workplace, { examples });
      progress(
        `${author}, ${count} accepted: typed in ${(typedMs / 1000).toFixed(0)} s, learnt in ${((performance.now() - began - typedMs) / 1000).toFixed(0)} s. ${message}`,
      );
      night = {
        accepted: known.accepted + totals.taken,
        whole: known.whole + totals.accepted,
        lines: known.lines + totals.lines,
        places: all.length - places.length,
        outcome,
        ...(adapter && { adapter: { path: adapter.path.replace(home.path, own), scale: adapter.scale } }),
      };
      await keep(home.path, own, night);
    }
    nights.push(night);
    before = { folder: own, night };
  }
  return nights;
}

const kept = ['examples', 'adapters'] as const;

async function keep(home: string, folder: string, night: ReplayedNight): Promise<void> {
  const part = `${folder}.part`;
  await rm(part, { recursive: true, force: true });
  await mkdir(part, { recursive: true });
  for (const name of kept) await cp(join(home, name), join(part, name), { recursive: true });
  await writeFile(join(part, 'night.json'), JSON.stringify(night));
  await rename(part, folder);
}

async function readNight(folder: string): Promise<ReplayedNight | undefined> {
  const text = await readFile(join(folder, 'night.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : nightSchema.parse(JSON.parse(text));
}
