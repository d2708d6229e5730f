import { mock } from 'node:test';

const stepMs = 5;
const { setImmediate: realSetImmediate } = globalThis;

/** Time that passes only when it is told to: timers of the whole process obey it while `during` runs. */
export interface VirtualTime {
  now(): number;
  pass(ms: number): Promise<void>;
}

export async function inVirtualTime<T>(during: (time: VirtualTime) => Promise<T>): Promise<T> {
  let now = 0;
  let owed = 0;
  mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] });
  try {
    return await during({
      now: () => now,
      async pass(ms) {
        for (owed += ms; owed >= stepMs; owed -= stepMs) {
          mock.timers.tick(stepMs);
          now += stepMs;
          // What a timer has begun goes on before the next one is due.
          await new Promise<void>((resolve) => void realSetImmediate(resolve));
        }
      },
    });
  } finally {
    mock.timers.reset();
  }
}
