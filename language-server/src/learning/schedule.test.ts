import { describe, expect, it } from 'vitest';
import { type ScheduleFacts, waitReason } from './schedule.ts';
import { trainingOptionsSchema } from './trainingPlan.ts';

const options = trainingOptionsSchema.parse({});
const ready: ScheduleFacts = {
  ...{ mode: 'auto', onBatteryToo: false, onMains: true, newExamples: 50, examples: 200, unfinished: false },
  teamChanged: false,
  ...{ sinceTypedMs: 10 * 60_000, sinceRunMs: Number.POSITIVE_INFINITY },
};

describe('when training starts by itself', () => {
  it('does with enough new evidence, in idle time, on mains', () => {
    expect(waitReason(ready, options)).toBeUndefined();
  });

  it.each([
    ['manual', { mode: 'manual' }],
    ['tooFewExamples', { examples: 11 }],
    ['notEnoughNew', { newExamples: 39 }],
    ['rest', { sinceRunMs: 60_000 }],
    ['busy', { sinceTypedMs: 119_000 }],
    ['battery', { onMains: false }],
  ] as const)('waits: %s', (reason, facts) => {
    expect(waitReason({ ...ready, ...facts }, options)).toBe(reason);
  });

  it('needs no new evidence after the team’s adapter has changed, but its rest', () => {
    const changed = { ...ready, newExamples: 0, teamChanged: true };
    expect(waitReason(changed, options)).toBeUndefined();
    expect(waitReason({ ...changed, sinceRunMs: 60_000 }, options)).toBe('rest');
  });

  it('works on battery where the settings say so', () => {
    expect(waitReason({ ...ready, onMains: false, onBatteryToo: true }, options)).toBeUndefined();
  });

  it('goes on with a run that was cut short, without new evidence', () => {
    expect(waitReason({ ...ready, unfinished: true, newExamples: 0, sinceRunMs: 5 }, options)).toBeUndefined();
    expect(waitReason({ ...ready, unfinished: true, sinceTypedMs: 0 }, options)).toBe('busy');
  });
});
