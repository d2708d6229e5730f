import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sha256OfFile } from '../../language-server/src/learning/adapterFile.ts';
import { openAdapterVersions } from '../../language-server/src/learning/adapterVersions.ts';
import { seededRandom } from '../../language-server/src/learning/seededRandom.ts';
import type { TrainerHost } from '../../language-server/src/learning/trainer.ts';
import type { LearningDay } from './learningDay.ts';

export interface KillReport {
  readonly kills: number;
  /** How often it was the trainer. */
  readonly trainerKills: number;
  readonly promoted: number;
  /** Moments after which an adapter was active. */
  readonly withActive: number;
  readonly violations: readonly string[];
}

/** Kills a day of learning, or its trainer, with SIGKILL at random moments, and looks at what is left each time. */
export async function killLearning(
  host: TrainerHost,
  model: string,
  kills: number,
  seed: number,
  longestMs = 1800,
): Promise<KillReport> {
  const home = await mkdtemp(join(tmpdir(), 'argot-kill-'));
  const random = seededRandom(seed);
  const violations: string[] = [];
  let [trainerKills, promoted, withActive] = [0, 0, 0];
  try {
    for (let i = 0; i < kills; i++) {
      const day: LearningDay = { home, model, host, seed: seed * 1000 + i };
      const script = new URL('learningDay.ts', import.meta.url).pathname;
      const child = spawn(process.execPath, [script, JSON.stringify(day)], { stdio: ['ignore', 'pipe', 'pipe'] });
      let said = '';
      let complaints = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
      const exited = once(child, 'exit');
      // A process needs a while to begin; every moment after that is as likely.
      await sleep(300 + random() * longestMs);
      const trainer = random() < 0.4 ? await childOf(child.pid) : undefined;
      if (trainer !== undefined) {
        trainerKills++;
        kill(trainer);
        await sleep(random() * 300);
      }
      if (child.exitCode !== null) violations.push(`kill ${i}: the day ended by itself: ${complaints.slice(0, 500)}`);
      kill(child.pid);
      await exited;
      promoted += said.split('"promoted"').length - 1;
      const unexpected = [...said.matchAll(/"did":"failed: ([^"]*)/g)].filter(([, why]) => !why?.includes('SIGKILL'));
      for (const [, why] of unexpected) violations.push(`kill ${i}: ${why}`);
      withActive += await inspect(home, (what) => violations.push(`kill ${i}: ${what}`));
    }
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
  return { kills, trainerKills, promoted, withActive, violations };
}

/** What must hold whenever the process is gone. Gives 1 where an adapter is active. */
export async function inspect(home: string, complain: (what: string) => void): Promise<0 | 1> {
  const folder = join(home, 'adapters');
  const versions = await openAdapterVersions(home);
  for (const complaint of versions.complaints()) complain(complaint);
  const bases = new Set(versions.list().map(({ card }) => card.base.sha256));
  const active = [...bases].flatMap((base) => versions.active(base));
  for (const { card, path } of active) {
    if (card.gate?.verdict !== 'better') complain(`${card.id} is active and did not pass the gate`);
    if ((await sha256OfFile(path)) !== card.sha256) complain(`${card.id} is active and not whole`);
  }
  const names = await readdir(folder);
  for (const name of names) {
    if (name.startsWith('.')) complain(`${name} was left`);
    const partner = name.endsWith('.gguf') ? name.replace(/gguf$/, 'json') : name.replace(/json$/, 'gguf');
    if (/^(personal|team)-/.test(name) && !names.includes(partner)) complain(`${name} has no partner`);
  }
  return active.length > 0 ? 1 : 0;
}

/** The trainer that a process runs now. Linux only; elsewhere the process itself is killed each time. */
export async function childOf(pid: number | undefined): Promise<number | undefined> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const [first] = children.trim().split(' ');
  return first === undefined || first === '' ? undefined : Number(first);
}

function kill(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
