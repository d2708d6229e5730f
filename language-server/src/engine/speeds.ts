import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from './disk.ts';
import { diskFault, errorCode, type Fault } from './faults.ts';

const speedSchema = z.object({ prefill: z.number().positive(), decode: z.number().positive() });
const fileSchema = z.object({ version: z.literal(1), speeds: z.record(z.string(), speedSchema) });

/** Tokens per second, by model id. */
export type Speed = Readonly<z.infer<typeof speedSchema>>;
export type Speeds = Readonly<Record<string, Speed>>;

/** A file that can't be understood is set aside, so that it can be looked at, and measuring begins anew. */
export async function readSpeeds(home: string): Promise<Speeds> {
  const path = speedsPath(home);
  try {
    return fileSchema.parse(JSON.parse(await readFile(path, 'utf8'))).speeds;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') await rename(path, `${path}.unreadable`).catch(() => undefined);
    return {};
  }
}

/** The last writer wins where two processes measure at once: either figure is true. */
export async function writeSpeed(home: string, id: string, speed: Speed): Promise<Fault | undefined> {
  // What could not be measured would make the whole file unreadable.
  if (!speedSchema.safeParse(speed).success) return undefined;
  const path = speedsPath(home);
  const speeds = { ...(await readSpeeds(home)), [id]: { prefill: speed.prefill, decode: speed.decode } };
  try {
    await writeAtomically(path, `${JSON.stringify({ version: 1, speeds }, undefined, 2)}\n`);
    return undefined;
  } catch (error) {
    return diskFault(error, path);
  }
}

function speedsPath(home: string): string {
  return join(home, 'speeds.json');
}
