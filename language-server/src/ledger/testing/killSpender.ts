import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { privacyAccount } from '../spendLedgerFile.ts';

const script = fileURLToPath(new URL('./spendForever.ts', import.meta.url));

export interface KilledRun {
  /** Entries of the ledger after the kill, which opened without complaint. */
  readonly spent: ReadonlySet<string>;
  readonly released: readonly string[];
}

/** Lets a process spend and release, kills it after so many milliseconds of work, and reads what it left. */
export async function killSpender(home: string, run: number, afterMs: number): Promise<KilledRun> {
  const child = spawn(process.execPath, [script, home, String(run)], { stdio: ['ignore', 'ignore', 'inherit'] });
  const count = async () => (await readReleased(home)).length;
  const before = await count();
  while ((await count()) === before && child.exitCode === null) await sleep(2);
  await sleep(afterMs);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const spends = await privacyAccount(home).spends();
  return { spent: new Set(spends.map(({ purpose }) => purpose)), released: await readReleased(home) };
}

async function readReleased(home: string): Promise<readonly string[]> {
  const text = await readFile(join(home, 'released'), 'utf8').catch(() => '');
  return text.split('\n').slice(0, -1);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
