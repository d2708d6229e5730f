import { randomUUID } from 'node:crypto';
import { copyFile, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { land } from '../engine/disk.ts';
import { type AdapterCard, adapterCardSchema } from './adapterCard.ts';
import { sha256OfFile } from './adapterFile.ts';
import { type AdapterSlots, adapterSlotsSchema, noSlots } from './adapterSlots.ts';
import { readChecked, setAside } from './checkedFile.ts';

export interface AdapterVersion {
  readonly card: AdapterCard;
  readonly path: string;
}

/** What is in use. */
export const slotsFile = (folder: string) => join(folder, 'active.json');

/** A version is its card and its file: what lacks either is removed, and what is damaged is set aside. */
export async function readVersions(folder: string, complaints: string[]): Promise<Map<string, AdapterVersion>> {
  const versions = new Map<string, AdapterVersion>();
  const names = await readdir(folder);
  for (const name of names.filter(
    (each) => each.endsWith('.json') && !each.startsWith('.') && each !== 'active.json',
  )) {
    const card = await readChecked(join(folder, name), adapterCardSchema);
    const id = name.slice(0, -'.json'.length);
    if (card.kind === 'damaged' || (card.kind === 'read' && card.value.id !== id)) {
      complaints.push(`The card of adapter ${id} was damaged on disk; the adapter is not used.`);
      await setAside(join(folder, name));
      await setAside(join(folder, `${id}.gguf`));
    } else if (card.kind === 'read' && names.includes(`${id}.gguf`)) {
      versions.set(id, { card: card.value, path: join(folder, `${id}.gguf`) });
    } else {
      await rm(join(folder, name), { force: true });
    }
  }
  for (const name of names) {
    const orphan = name.endsWith('.gguf') && !names.includes(name.replace(/gguf$/, 'json'));
    if (orphan || name.startsWith('.')) await rm(join(folder, name), { force: true });
  }
  return versions;
}

export async function readSlots(folder: string, complaints: string[]): Promise<AdapterSlots> {
  const read = await readChecked(slotsFile(folder), adapterSlotsSchema);
  if (read.kind === 'read') return read.value;
  if (read.kind === 'damaged') {
    complaints.push('The list of adapters in use was damaged on disk: the base model is used. Choose a version again.');
    await setAside(slotsFile(folder));
  }
  return noSlots;
}

/** Whether the file is the one that the card was written for. */
export async function isWhole(version: AdapterVersion | undefined): Promise<boolean> {
  if (version === undefined) return false;
  const status = await stat(version.path).catch(() => undefined);
  return status?.size === version.card.sizeBytes && (await sha256OfFile(version.path)) === version.card.sha256;
}

/** After this the copy is whole under its name; before, only a hidden file is there, which the next start removes. */
export async function landCopy(from: string, to: string): Promise<void> {
  const temporary = join(to, '..', `.${randomUUID()}.part`);
  try {
    await copyFile(from, temporary);
    await land(await open(temporary, 'r+'), temporary, to);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
