import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { fromHex } from '#protocol/federation/bytes.ts';
import { simulatedBase } from '../../demo/simulatedTrainer.ts';
import { enrolmentSchema } from '../../language-server/src/federation/enrolment.ts';
import { hex } from '../../protocol/src/federation/bytes.ts';
import type { CoordinatorProcess, TestFederation } from './coordinator.ts';

const main = fileURLToPath(new URL('../../demo/member.ts', import.meta.url));

/** A member as a process, with the whole of the language server's code for it and simulated training. */
export interface MemberProcess extends AsyncDisposable {
  readonly home: string;
  /** Its name in the roster; known once it has said that it is ready. */
  key(): Promise<Uint8Array>;
  /** What it said so far, oldest first. */
  said(): readonly MemberLine[];
  start(): void;
  kill(): Promise<void>;
}

export interface MemberLine {
  readonly at: string;
  readonly key?: string;
  readonly message?: string;
  readonly adapter?: string;
  readonly standing?: {
    readonly kind: string;
    readonly round?: number;
    readonly objection?: { readonly kind: string; readonly refusal?: unknown };
    readonly judgement?: { readonly adopt: boolean; readonly forecast?: string };
    readonly start?: {
      readonly kind: string;
      readonly refusal?: string;
      readonly judgement?: { readonly adopt: boolean };
    };
  };
}

export interface MemberProcessOptions {
  readonly name: string;
  readonly seed: number;
  readonly length: number;
  readonly trainingMs?: number;
  /** A command that runs it, such as one that gives it a machine of its own. */
  readonly prefix?: readonly string[];
}

export async function startMember(
  coordinator: Pick<CoordinatorProcess, 'url'>,
  { anchors }: TestFederation,
  { name, seed, length, trainingMs = 300, prefix = [] }: MemberProcessOptions,
): Promise<MemberProcess> {
  const home = await mkdtemp(join(tmpdir(), 'argot-member-'));
  await mkdir(home, { recursive: true });
  const enrolment = enrolmentSchema.parse({
    schema: 1,
    federation: hex(anchors.federation),
    lead: hex(anchors.lead),
    coordinator: { url: coordinator.url, key: hex(anchors.coordinator) },
    base: { sha256: simulatedBase, name: 'simulated' },
    adapter: { rank: 8, alpha: 16, targets: ['q', 'v'], matrices: 'b', seed: 1 },
    minimums: { minimumCohort: 3, privacyMechanisms: ['none', 'client'] },
  });
  const settings = join(home, 'settings.json');
  const trainer = { kind: 'simulated', length, seed, trainingMs };
  await writeFile(settings, JSON.stringify({ home, name, enrolment, everyMs: 100, trainer }));
  const lines: MemberLine[] = [];
  let child: ChildProcess | undefined;
  const member: MemberProcess = {
    home,
    said: () => lines,
    async key() {
      const deadline = Date.now() + 20_000;
      for (;;) {
        const ready = lines.find(({ at }) => at === 'ready')?.key;
        if (ready !== undefined) return fromHex(ready);
        if (Date.now() > deadline) throw new Error(`${name} did not start: ${JSON.stringify(lines)}`);
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
    },
    start() {
      const [command = '', ...args] = [...prefix, process.execPath, main, settings];
      child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      if (child.stdout === null) throw new Error('A piped child has an output.');
      createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)));
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    async [Symbol.asyncDispose]() {
      await member.kill();
      await rm(home, { recursive: true, force: true });
    },
  };
  member.start();
  return member;
}
