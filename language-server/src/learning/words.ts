import type { TrainingResult } from '#protocol/learningRuns.ts';
import type { GateReport } from './adapterCard.ts';
import type { WaitReason } from './schedule.ts';
import type { TrainingOutcome } from './trainingRun.ts';

export const waitWords: Readonly<Record<WaitReason, string>> = {
  manual: 'training starts by command only (argot.training)',
  tooFewExamples: 'more examples are needed',
  notEnoughNew: 'more new examples are needed',
  rest: 'the last run was a short while ago',
  busy: 'a pause in your work',
  battery: 'mains power (argot.trainingOnBattery)',
};

/** How a run ended, for the developer. */
export function words(outcome: TrainingOutcome): TrainingResult {
  switch (outcome.kind) {
    case 'promoted': {
      const { gain, gainLow, heldOutExamples } = outcome.report;
      const source = outcome.version.card.origin === 'trained' ? 'Argot learnt from your code' : 'The adapter is used';
      const message = `${source}: ${percent(gain)} better on your newest ${heldOutExamples} examples (at least ${percent(gainLow)}).`;
      return { kind: 'promoted', message, changed: true, adapterId: outcome.version.card.id };
    }
    case 'kept':
      return { kind: 'kept', message: keptWords(outcome.report), changed: false, adapterId: outcome.version.card.id };
    case 'rested': {
      const { heldOutExamples } = outcome.report;
      const message = `The adapter in use no longer helps on your newest ${heldOutExamples} examples, and what was learnt is not surely better: completions work without either. “Argot: Adapters…” brings one back.`;
      return { kind: 'rested', message, changed: true, adapterId: outcome.version.card.id };
    }
    case 'tooFew':
      return {
        kind: 'tooFew',
        message: `There are ${outcome.examples} usable examples, and ${outcome.needed} are needed. Go on working, or add your own history.`,
        changed: false,
      };
    case 'cancelled':
      return { kind: 'cancelled', message: 'Training was stopped; the next run goes on from there.', changed: false };
    case 'failed':
      return { kind: 'failed', message: outcome.message, changed: false };
  }
}

function keptWords({ verdict, gain, forgetting, heldOutExamples }: GateReport): string {
  switch (verdict) {
    case 'better':
      return 'What was learnt is better, and is not used because the adapter in use is pinned.';
    case 'notBetter':
      return `What was learnt is not surely better on your newest ${heldOutExamples} examples (${percent(gain)}), so completions stay as they are.`;
    case 'forgets':
      return `What was learnt forgets too much of other code (${percent(forgetting)}), so completions stay as they are.`;
    case 'tooFew':
      return `${heldOutExamples} examples are too few to judge what was learnt, so completions stay as they are.`;
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
