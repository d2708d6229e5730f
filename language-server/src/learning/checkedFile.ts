import { createHash } from 'node:crypto';
import { readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { syncFolder, writeAtomically } from '../engine/disk.ts';
import { errorCode } from '../engine/faults.ts';

/**
 * Small JSON files that must be whole or not be used at all: each holds a checksum of its body, so that a flipped byte is
 * noticed, and is replaced by rename, so that a killed process leaves the old one or the new one.
 */
const envelopeSchema = z.object({ sha256: z.string(), body: z.string() });

export type CheckedRead<T> =
  | { readonly kind: 'read'; readonly value: T }
  | { readonly kind: 'missing' }
  | { readonly kind: 'damaged' };

/** The file lasts when this resolves, also through a power cut. Throws disk errors. */
export async function writeChecked(path: string, value: unknown): Promise<void> {
  const body = JSON.stringify(value);
  await writeAtomically(path, `${JSON.stringify({ sha256: sha256Of(body), body })}\n`);
  await syncFolder(dirname(path));
}

/** Throws disk errors other than that there is no such file. */
export async function readChecked<T>(path: string, schema: z.ZodType<T>): Promise<CheckedRead<T>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { kind: 'missing' };
    throw error;
  }
  const value = parse(text, schema);
  return value === undefined ? { kind: 'damaged' } : { kind: 'read', value };
}

/** Moves a damaged file out of the way, so that a person can look at it. */
export async function setAside(path: string): Promise<void> {
  await rename(path, `${path}.damaged`).catch(() => undefined);
}

function parse<T>(text: string, schema: z.ZodType<T>): T | undefined {
  try {
    const { sha256, body } = envelopeSchema.parse(JSON.parse(text));
    return sha256 === sha256Of(body) ? schema.parse(JSON.parse(body)) : undefined;
  } catch {
    return undefined;
  }
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
