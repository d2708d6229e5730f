import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../engine/disk.ts';

/** Which team adapter this member uses, and what it measured; durable, so that a result is judged once. */
export interface Adoption {
  read(): Promise<AdoptionState>;
  write(state: AdoptionState): Promise<void>;
  /** Where the adapter after a result lies. */
  fileOf(result: string): string;
  forget(): Promise<void>;
}

const judgementSchema = z.object({
  result: z.string(),
  round: z.number(),
  /** The round's plan, in hex, and when it was judged. */
  plan: z.string().default(''),
  atMs: z.number().default(0),
  adopt: z.boolean(),
  /** On own held-out data, nats a token; `current` is what was in use before. */
  baseLoss: z.number(),
  currentLoss: z.number(),
  candidateLoss: z.number(),
  /** What the scan for backdoors found, which alone is a reason against it; losses are 0 then. */
  suspicion: z.object({ choice: z.string(), times: z.number() }).optional(),
  /** What was forecast beside what came of it, in words. */
  forecast: z.string().optional(),
  voted: z.boolean(),
});
export type Judgement = z.infer<typeof judgementSchema>;

const stateSchema = z.object({
  /** Result in hex; null is none. */
  active: z.string().nullable(),
  /** What was active before, for a rollback. */
  previous: z.string().nullable(),
  judged: z.array(judgementSchema),
  /** The result up to which completions have followed; null is none. */
  followed: z.string().nullable().default(null),
});
export type AdoptionState = z.infer<typeof stateSchema>;

const noAdoption: AdoptionState = { active: null, previous: null, judged: [], followed: null };

export function adoptionIn(folder: string): Adoption {
  const path = join(folder, 'adoption.json');
  const team = join(folder, 'team');
  return {
    async read() {
      const text = await readFile(path, 'utf8').catch(() => undefined);
      return text === undefined ? noAdoption : stateSchema.parse(JSON.parse(text));
    },
    async write(state) {
      await mkdir(team, { recursive: true, mode: 0o700 });
      await writeAtomically(path, JSON.stringify(state));
    },
    fileOf: (result) => join(team, `${result}.gguf`),
    async forget() {
      await rm(team, { recursive: true, force: true });
      await rm(path, { force: true });
    },
  };
}

/** As the developer's command, or the team's vote, says: back to what was in use before. */
export function rolledBack(state: AdoptionState): AdoptionState {
  return { ...state, active: state.previous, previous: null };
}

/** What completions have yet to follow: a newer adapter, or one that was taken out of use. */
export type AdoptionStep =
  | { readonly kind: 'adopt'; readonly result: string; readonly round: number }
  | { readonly kind: 'withdraw'; readonly result: string };

export function stepToFollow({ active, followed, judged }: AdoptionState): AdoptionStep | undefined {
  if (active === followed) return undefined;
  const place = (result: string | null) => judged.findIndex((each) => each.result === result);
  if (followed !== null && place(active) < place(followed)) return { kind: 'withdraw', result: followed };
  const round = judged[place(active)]?.round;
  return active === null || round === undefined ? undefined : { kind: 'adopt', result: active, round };
}
