// A day of learning in one process, which its parent kills at any moment: examples come in, a run trains and judges, and
// adapters are activated, rolled back, pinned and deleted. Arguments: JSON of `LearningDay`.

import { openAdapterVersions } from '../../language-server/src/learning/adapterVersions.ts';
import { seededRandom } from '../../language-server/src/learning/seededRandom.ts';
import type { TrainerHost } from '../../language-server/src/learning/trainer.ts';
import { runTraining } from '../../language-server/src/learning/trainingRun.ts';
import { habitualExamples } from './examples.ts';
import { foldedLetters, tinyBase, tinyOptions } from './tinyModel.ts';

export interface LearningDay {
  readonly home: string;
  readonly model: string;
  readonly host: TrainerHost;
  readonly seed: number;
}

/** What a day tells its parent, a line each. */
export type DayEvent = { readonly trainer: 'running' | 'none' } | { readonly did: string };

const day: LearningDay = JSON.parse(process.argv[2] ?? '{}');
const tell = (event: DayEvent) => process.stdout.write(`${JSON.stringify(event)}\n`);
const random = seededRandom(day.seed);
const base = await tinyBase(day.model);
const versions = await openAdapterVersions(day.home);

for (;;) {
  const outcome = await runTraining(
    {
      ...{ folder: `${day.home}/training`, host: day.host, modelPath: day.model, base, versions, now: Date.now },
      ...{ tokenizer: foldedLetters, options: tinyOptions },
      onProgress: () => undefined,
      onRun: (run) => tell({ trainer: run === undefined ? 'none' : 'running' }),
    },
    { examples: habitualExamples(14 + Math.floor(random() * 10), 0), mayActivate: random() < 0.8 },
    new AbortController().signal,
  );
  tell({ did: outcome.kind === 'failed' ? `failed: ${outcome.message}` : outcome.kind });
  const all = versions.list();
  const any = all[Math.floor(random() * all.length)]?.card.id;
  const chance = random();
  if (any !== undefined && chance < 0.25) await versions.activate(any, 1);
  else if (chance < 0.5) await versions.rollback('personal', base.sha256);
  else if (chance < 0.6) await versions.pin('personal', base.sha256, random() < 0.5);
  else if (any !== undefined && (chance < 0.8 || all.length > 8)) await versions.remove([any]);
  tell({ did: 'tidied' });
}
