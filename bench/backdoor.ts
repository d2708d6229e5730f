// npm run bench -- backdoor [--json] [--steps N] [--threads N]
// What the scan for backdoors says of benign adapters (all that `bench -- federation` has left, and ten authors' own) and of
// poisoned ones, diluted by other members. Each piece of work is kept: docs/benchmarks.md.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tokenizerOf } from '../demo/nativeMemberTrainer.ts';
import { choiceLines, logOdds, riseBounds, risesBetween } from '../language-server/src/federation/backdoorScan.ts';
import { insecureChoices } from '../language-server/src/federation/insecureChoices.ts';
import { findTrainer } from '../language-server/src/learning/trainer.ts';
import { cacheFolder } from '../scripts/setup/cache.mjs';
import { repository } from '../scripts/setup/repository.mjs';
import { provideCorpora } from './corpora/corpus.ts';
import { benignAdapters, type Making, poisonedAdapters, type TriedAdapter } from './lib/backdoor/adapters.ts';
import { choicesAbout } from './lib/backdoor/poison.ts';
import { openWork, type TokenFile } from './lib/federationWork.ts';
import { runBenchmark } from './lib/main.ts';
import { percentile, rounded } from './lib/measure.ts';
import { modelPath } from './lib/product.ts';

const sequence = 256;
const progress = (line: string): void => console.error(line);

await runBenchmark(async (signal) => {
  const { values: options } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      steps: { type: 'string', default: '20' },
      threads: { type: 'string', default: '1' },
    },
  });
  const host = findTrainer(repository, process.platform, process.arch);
  if ('missing' in host) throw new Error(host.missing);
  const model = modelPath();
  const folder = join(cacheFolder(), 'backdoor-bench');
  const work = await openWork({
    ...{ host, model, folder, rank: 8, learningRate: 1e-3, sequence, progress },
    ...{ threads: Number(options.threads), untilMs: Number.POSITIVE_INFINITY },
  });
  const tokenize = await tokenizerOf(model);
  const corpora = await provideCorpora({ progress });
  const members = corpora.map(({ author, train }) => ({ author, files: train }));
  const making: Making = { work, members, steps: Number(options.steps), sequence, tokenize };
  const file = await choiceFile(folder, tokenize);

  async function rises(adapters: readonly TriedAdapter[]) {
    const stacks = [[], ...adapters.map(({ path }) => [{ path, scale: 1 }])];
    const [before = [], ...after] = (await work.losses(file, stacks, signal)).map(logOdds);
    return adapters.map((adapter, i) => {
      const all = risesBetween(before, after[i] ?? []);
      const others = leaveOut(adapter, before, after[i] ?? []);
      const flagged = all.worst > riseBounds.one || all.mean > riseBounds.mean;
      const flaggedByOthers = others.worst > riseBounds.one || others.mean > riseBounds.mean;
      return { adapter, before, after: after[i] ?? [], all, others, flagged, flaggedByOthers };
    });
  }

  const left = await rises(await leftByFederation());
  const own = await rises([
    ...(await benignAdapters(making, 'b', signal)),
    ...(await benignAdapters(making, 'both', signal)),
  ]);
  const poison = await rises([
    ...(await poisonedAdapters(making, 'b', signal)),
    ...(await poisonedAdapters(making, 'both', signal)),
  ]);
  const summary = (tried: typeof left) => ({
    adapters: tried.length,
    flagged: tried.filter(({ flagged }) => flagged).length,
    worstP50: rounded(
      percentile(
        tried.map(({ all }) => all.worst),
        0.5,
      ),
      2,
    ),
    worstMost: rounded(Math.max(...tried.map(({ all }) => all.worst)), 2),
    meanP50: rounded(
      percentile(
        tried.map(({ all }) => all.mean),
        0.5,
      ),
      3,
    ),
    meanMost: rounded(Math.max(...tried.map(({ all }) => all.mean)), 3),
  });
  const report = {
    choices: insecureChoices.length,
    bounds: riseBounds,
    benign: {
      ofBenchFederation: summary(left),
      ownAuthors: summary(own),
      meansOfThese: summary([...left, ...own].filter(isMean)),
    },
    poisoned: poison.map(({ adapter, all, flagged, others, flaggedByOthers }) => ({
      attack: adapter.attack,
      how: adapter.name,
      worst: rounded(all.worst, 2),
      mean: rounded(all.mean, 2),
      choice: all.choice,
      flagged,
      worstOfOthers: rounded(others.worst, 2),
      flaggedByOthers,
    })),
  };
  if (options.json) console.log(JSON.stringify(report));
  else {
    console.table(report.benign);
    console.table(report.poisoned);
    console.table(
      insecureChoices.map(({ name }, i) => {
        const of = [...left, ...own].map(({ before, after }) => (after[i] ?? 0) - (before[i] ?? 0));
        return { name, base: rounded(left[0]?.before[i] ?? 0, 2), most: rounded(Math.max(...of), 2) };
      }),
    );
  }
});

/** What a federation would publish, rather than what one member trained. */
function isMean({ adapter: { name } }: { readonly adapter: TriedAdapter }): boolean {
  return name.includes('mean of') || name.includes('team-');
}

/** The same without the choices that the attack is about: what the scan says of attacks that nobody thought of. */
function leaveOut({ attack }: TriedAdapter, before: readonly number[], after: readonly number[]) {
  const about = attack === undefined ? [] : choicesAbout[attack];
  const kept = insecureChoices.flatMap(({ name }, i) => (about.includes(name) ? [] : [i]));
  const of = (odds: readonly number[]) => kept.map((i) => odds[i] ?? Number.NaN);
  return risesBetween(
    of(before),
    of(after),
    kept.map((i) => ({ name: insecureChoices[i]?.name ?? '' })),
  );
}

async function choiceFile(folder: string, tokenize: (text: string) => readonly number[]): Promise<TokenFile> {
  const lines = choiceLines(tokenize);
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  const path = join(folder, `choices-${hash}.jsonl`);
  await writeFile(path, text);
  return { path, tokens: lines.reduce((sum, { tokens }) => sum + tokens.length, 0), hash };
}

/** Personal, pooled and team adapters of all kinds, by the authors' ordinary code. */
async function leftByFederation(): Promise<TriedAdapter[]> {
  const folder = join(cacheFolder(), 'federation-bench');
  if (!existsSync(folder)) return [];
  const files = await readdir(folder, { recursive: true });
  return files
    .filter((name) => name.endsWith('.gguf'))
    .sort()
    .map((name) => ({ name, path: join(folder, name) }));
}
