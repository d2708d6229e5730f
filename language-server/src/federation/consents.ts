import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../engine/disk.ts';
import { enrolmentSchema } from './enrolment.ts';

/** What this user has agreed to: without it nothing of a team is done. The enrolment is kept as it was when they agreed. */
const consentSchema = z.object({
  name: z.string(),
  agreedAtMs: z.number(),
  /** URI of the workspace folder, and the repository's id on this machine. */
  folder: z.string(),
  repository: z.string(),
  enrolment: enrolmentSchema,
});
export type Consent = Readonly<z.infer<typeof consentSchema>>;

export interface Consents {
  list(): Promise<readonly Consent[]>;
  give(consent: Consent): Promise<void>;
  withdraw(federation: string): Promise<void>;
  folderOf(federation: string): string;
}

export function consentsIn(home: string): Consents {
  const root = join(home, 'federation');
  const folderOf = (federation: string) => join(root, federation);
  const fileOf = (federation: string) => join(folderOf(federation), 'consent.json');
  return {
    folderOf,
    async list() {
      const names = await readdir(root).catch(() => []);
      const read = names.map(async (name): Promise<readonly Consent[]> => {
        const text = await readFile(fileOf(name), 'utf8').catch(() => undefined);
        if (text === undefined) return [];
        const parsed = consentSchema.safeParse(JSON.parse(text));
        // What cannot be understood is no consent.
        return parsed.success ? [parsed.data] : [];
      });
      return (await Promise.all(read)).flat();
    },
    async give(consent) {
      await mkdir(folderOf(consent.enrolment.federation), { recursive: true, mode: 0o700 });
      await writeAtomically(fileOf(consent.enrolment.federation), JSON.stringify(consent));
    },
    withdraw: (federation) => rm(fileOf(federation), { force: true }),
  };
}
