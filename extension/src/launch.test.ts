import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Machine } from '#protocol/address.ts';
import { thisMachine } from './connection.ts';
import { launch, logTail } from './launch.ts';

let folder: string;
let machine: Machine;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'argot-launch-'));
  machine = { ...thisMachine(), env: { ARGOT_HOME: join(folder, 'home') } };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 25));
  expect(holds()).toBe(true);
}

it('keeps what the server writes in a log that only the user reads', async () => {
  const script = join(folder, 'server.mjs');
  writeFileSync(script, 'console.log("one"); console.error("two", process.env.ELECTRON_RUN_AS_NODE); process.exit(3);');
  const child = launch(script, machine);
  await until(() => child.ended() !== undefined);
  expect(child.ended()).toBe('exit code 3');
  await until(() => logTail(machine) === 'one\ntwo 1');
  const log = join(folder, 'home', 'server.log');
  expect(readFileSync(log, 'utf8')).toBe('one\ntwo 1\n');
  if (process.platform !== 'win32') expect(statSync(log).mode & 0o777).toBe(0o600);
});

it('has the allocators give back what adapters took', async () => {
  const script = join(folder, 'server.mjs');
  writeFileSync(script, 'console.log(process.env.MALLOC_MMAP_THRESHOLD_, ...process.execArgv);');
  const child = launch(script, machine);
  await until(() => child.ended() !== undefined);
  await until(() => logTail(machine) === '1048576 --max-semi-space-size=16');
});

it('starts the server where no log can be written', async () => {
  writeFileSync(join(folder, 'file'), '');
  const script = join(folder, 'server.mjs');
  writeFileSync(script, 'process.exit(4);');
  const child = launch(script, { ...machine, env: { ARGOT_HOME: join(folder, 'file', 'home') } });
  await until(() => child.ended() !== undefined);
  expect(child.ended()).toBe('exit code 4');
});
