import { rm, writeFile } from 'node:fs/promises';
import type { z } from 'zod';
import type { DatasetLine } from './dataset.ts';
import { startTrainer, type TrainerHost, type TrainerOutcome } from './trainer.ts';
import { type AdapterUse, type evaluateRequestSchema, type TrainerEvent, trainerCommands } from './trainerMessages.ts';

/**
 * Nats of each line, summed over what it predicts, with each stack of adapters. The request's `data` is a file of this call
 * alone, which holds the lines as long as it lasts.
 */
export async function exampleLosses(
  host: TrainerHost,
  request: Omit<z.infer<typeof evaluateRequestSchema>, 'stacks'>,
  lines: readonly DatasetLine[],
  stacks: readonly (readonly AdapterUse[])[],
  signal: AbortSignal,
): Promise<TrainerOutcome<readonly (readonly number[])[]>> {
  await writeFile(request.data, lines.map((line) => `${JSON.stringify(line)}\n`).join(''), { mode: 0o600 });
  const losses = stacks.map(() => new Array<number>(lines.length).fill(0));
  const whole = { ...request, stacks: stacks.map((stack) => [...stack]) };
  const outcome = await startTrainer(host, trainerCommands.evaluate, whole, signal, fillIn(losses)).outcome;
  await rm(request.data, { force: true });
  return outcome.ok ? { ok: true, result: losses } : outcome;
}

/** Puts the loss of each example of an evaluation into the list of its stack, at its number. */
export function fillIn(losses: readonly number[][]): (event: TrainerEvent) => void {
  return (event) => {
    const own = event.event === 'example' ? losses[event.stack] : undefined;
    if (event.event === 'example' && own !== undefined) own[event.example] = event.loss;
  };
}
