import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { onMains } from './mains.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argot-mains-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function supply(name: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(join(folder, name));
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, name, file), `${text}\n`);
}

it('a plugged laptop is on mains, an unplugged one is not', async () => {
  await supply('BAT0', { type: 'Battery', status: 'Discharging' });
  await supply('AC', { type: 'Mains', online: '0' });
  expect(await onMains('linux', folder)).toBe(false);
  await writeFile(join(folder, 'AC', 'online'), '1\n');
  expect(await onMains('linux', folder)).toBe(true);
});

it('a machine without a battery, or that tells nothing, counts as on mains', async () => {
  expect(await onMains('linux', folder)).toBe(true);
  expect(await onMains('linux', join(folder, 'absent'))).toBe(true);
  expect(await onMains('another', folder)).toBe(true);
});
