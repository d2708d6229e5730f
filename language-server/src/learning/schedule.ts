import type { TrainingOptions } from './trainingPlan.ts';

export interface ScheduleFacts {
  readonly mode: 'auto' | 'manual';
  readonly onBatteryToo: boolean;
  readonly onMains: boolean;
  /** Stored since the newest that the last run knew of. */
  readonly newExamples: number;
  readonly examples: number;
  /** A run that the end of the process cut short: it goes on without new evidence. */
  readonly unfinished: boolean;
  /** The last run was on top of another team's adapter than the one in use now, or of none. */
  readonly teamChanged: boolean;
  readonly sinceTypedMs: number;
  /** Since the last run ended; infinite before the first. */
  readonly sinceRunMs: number;
}

/** Why no run starts by itself now. */
export type WaitReason = 'manual' | 'tooFewExamples' | 'notEnoughNew' | 'rest' | 'busy' | 'battery';

/** Undefined when a run should start: there is enough new evidence, the developer is away, and the machine has power. */
export function waitReason(facts: ScheduleFacts, options: TrainingOptions): WaitReason | undefined {
  if (facts.mode === 'manual') return 'manual';
  if (facts.examples < options.leastExamples) return 'tooFewExamples';
  if (!facts.unfinished) {
    if (!facts.teamChanged && facts.newExamples < options.enoughNew) return 'notEnoughNew';
    if (facts.sinceRunMs < options.restMs) return 'rest';
  }
  if (facts.sinceTypedMs < options.idleMs) return 'busy';
  return facts.onMains || facts.onBatteryToo ? undefined : 'battery';
}
