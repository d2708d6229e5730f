import type { TrainerRun } from './trainer.ts';

type Pausable = Pick<TrainerRun<unknown>, 'pause' | 'resume'>;

/** Training stands still from a keystroke on until `pauseMs` have passed without another. */
export interface GivingWay {
  typed(): void;
  /** The run that gives way from now on. */
  train(run: Pausable | undefined): void;
  close(): void;
}

export function createGivingWay(pauseMs: number): GivingWay {
  let running: Pausable | undefined;
  let timer: NodeJS.Timeout | undefined;
  return {
    typed() {
      running?.pause();
      clearTimeout(timer);
      timer = setTimeout(() => {
        timer = undefined;
        running?.resume();
      }, pauseMs);
    },
    train(run) {
      running = run;
      if (timer !== undefined) running?.pause();
    },
    close() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
