import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { CompletionDay } from '#protocol/dashboard.ts';
import type { Signal } from '#protocol/signals.ts';
import { writeAtomically } from '../engine/disk.ts';

const daySchema = z.object({
  shown: z.int().gte(0),
  accepted: z.int().gte(0),
  undone: z.int().gte(0),
  /** Answers by the upper bound of their bucket in `boundsMs`. */
  latency: z.array(z.int().gte(0)),
});
type Day = z.infer<typeof daySchema>;
const fileSchema = z.object({ days: z.record(z.string(), daySchema) });

/** Counts by day of what was shown and taken, for the dashboard: numbers alone, on this machine alone. */
export interface DailyTally extends AsyncDisposable {
  signal(signal: Signal): void;
  answered(latencyMs: number): void;
  days(): readonly CompletionDay[];
}

export interface DailyTallyOptions {
  readonly path: string;
  readonly now: () => Date;
  readonly log: (message: string) => void;
}

const keptDays = 90;
const writeEveryMs = 20_000;
/** A fifth apart: quantiles are good to that. */
const boundsMs: readonly number[] = Array.from({ length: 60 }, (_, i) => 1.2 ** i);

export async function openDailyTally({ path, now, log }: DailyTallyOptions): Promise<DailyTally> {
  const days = await readDays(path);
  let isChanged = false;
  const timer = setInterval(() => void write(), writeEveryMs);
  timer.unref();

  function today(): Day {
    const name = dayOf(now());
    const known = days.get(name);
    if (known !== undefined) return known;
    const fresh: Day = { shown: 0, accepted: 0, undone: 0, latency: boundsMs.map(() => 0) };
    days.set(name, fresh);
    for (const old of [...days.keys()].sort().slice(0, -keptDays)) days.delete(old);
    return fresh;
  }

  async function write(): Promise<void> {
    if (!isChanged) return;
    isChanged = false;
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeAtomically(path, JSON.stringify({ days: Object.fromEntries(days) }));
    } catch (error) {
      log(`The dashboard's counts could not be written: ${String(error)}`);
    }
  }

  return {
    signal(signal) {
      const day = today();
      if (signal.kind === 'shown') day.shown++;
      // The first part taken counts; more of the same suggestion does not.
      else if (signal.kind === 'accepted' || (signal.kind === 'acceptedPart' && signal.offset === 0)) day.accepted++;
      else if (signal.kind === 'undone') day.undone++;
      isChanged = true;
    },
    answered(latencyMs) {
      const bucket = boundsMs.findIndex((bound) => latencyMs <= bound);
      const { latency } = today();
      const at = bucket === -1 ? latency.length - 1 : bucket;
      latency[at] = (latency[at] ?? 0) + 1;
      isChanged = true;
    },
    days: () => [...days].sort(([a], [b]) => (a < b ? -1 : 1)).map(([day, counts]) => summary(day, counts)),
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await write();
    },
  };
}

/** By local time: the day that the developer lived. */
export function dayOf(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function summary(day: string, { shown, accepted, undone, latency }: Day): CompletionDay {
  const kept = Math.max(0, accepted - undone);
  return { day, shown, accepted, kept, p50Ms: quantile(latency, 0.5), p95Ms: quantile(latency, 0.95) };
}

function quantile(latency: readonly number[], share: number): number | null {
  const total = latency.reduce((sum, count) => sum + count, 0);
  let seen = 0;
  for (const [i, count] of latency.entries()) {
    seen += count;
    if (total > 0 && seen >= share * total) return Math.round(boundsMs[i] ?? 0);
  }
  return null;
}

/** A file that can't be read costs its counts and nothing else. */
async function readDays(path: string): Promise<Map<string, Day>> {
  try {
    const { days } = fileSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    return new Map(Object.entries(days));
  } catch {
    return new Map();
  }
}
