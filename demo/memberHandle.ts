import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { MemberSettings } from './member.ts';

const standingSchema = z.looseObject({
  kind: z.string(),
  round: z.number().optional(),
  message: z.string().optional(),
  reason: z.string().optional(),
  judgement: z
    .looseObject({
      ...{ adopt: z.boolean(), baseLoss: z.number(), candidateLoss: z.number() },
      suspicion: z.object({ choice: z.string(), times: z.number() }).optional(),
    })
    .optional(),
});

/** What a member's process says. */
const lineSchema = z.discriminatedUnion('at', [
  z.object({ at: z.literal('ready'), key: z.string() }),
  z.object({
    at: z.literal('progress'),
    round: z.number(),
    step: z.number(),
    steps: z.number(),
    tokensPerSecond: z.number(),
  }),
  z.object({ at: z.literal('standing'), standing: standingSchema, adapter: z.string().optional() }),
  z.object({ at: z.literal('trouble'), message: z.string() }),
]);
export type MemberLine = z.infer<typeof lineSchema>;

/** A member as a process of its own, which can be killed and started again on what it left on disk. */
export interface MemberHandle {
  readonly name: string;
  readonly home: string;
  /** All that it said, over all its lives. */
  said(): readonly MemberLine[];
  start(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
}

const main = fileURLToPath(new URL('member.ts', import.meta.url));

export function memberHandle(settings: MemberSettings): MemberHandle {
  const { home, name } = settings;
  const lines: MemberLine[] = [];
  let child: ChildProcess | undefined;
  return {
    name,
    home,
    said: () => lines,
    async start() {
      await mkdir(home, { recursive: true, mode: 0o700 });
      const file = join(home, 'settings.json');
      await writeFile(file, JSON.stringify(settings), { mode: 0o600 });
      child = spawn(process.execPath, [main, file], { stdio: ['ignore', 'pipe', 'inherit'] });
      if (child.stdout === null) throw new Error('A piped child has an output.');
      createInterface({ input: child.stdout }).on('line', (line) => lines.push(lineSchema.parse(JSON.parse(line))));
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** The last thing of a kind that a member said. */
export function lastSaid<At extends MemberLine['at']>(
  member: MemberHandle,
  at: At,
): Extract<MemberLine, { readonly at: At }> | undefined {
  return member.said().findLast((line): line is Extract<MemberLine, { readonly at: At }> => line.at === at);
}
