import { z } from 'zod';
import { fromHex } from '#protocol/federation/bytes.ts';
import type { Anchors } from '#protocol/federation/round.ts';
import { readRepositoryFile } from './repositoryFile.ts';

/** `.argot/federation.json`: how a repository says which team its members may join. It enrols nobody by itself. */
export const enrolmentPath = '.argot/federation.json';

const hex32 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits');
const targets = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] as const;

export const enrolmentSchema = z.strictObject({
  schema: z.literal(1),
  federation: hex32,
  lead: hex32,
  coordinator: z.strictObject({
    url: z.url({ protocol: /^https?$/ }).refine(isSafe, 'must be https, unless it is this machine'),
    key: hex32,
  }),
  /** The base model's file, by its hash and the name that Argot's catalogue has for it. */
  base: z.strictObject({ sha256: hex32, name: z.string().min(1).max(100) }),
  adapter: z.strictObject({
    rank: z.int().min(1).max(512),
    alpha: z.number().positive(),
    targets: z.array(z.enum(targets)).min(1),
    matrices: z.enum(['b', 'both']),
    seed: z.int().min(0),
  }),
  /** The least that every plan must keep to; a policy may ask more. */
  minimums: z.strictObject({
    minimumCohort: z.int().min(3).max(512),
    privacyMechanisms: z.array(z.enum(['none', 'record', 'client'])).min(1),
  }),
});
export type Enrolment = z.infer<typeof enrolmentSchema>;

export type EnrolmentOutcome =
  | { readonly kind: 'enrolled'; readonly enrolment: Enrolment }
  | { readonly kind: 'none' }
  | { readonly kind: 'unreadable'; readonly message: string };

export async function readEnrolment(repository: string, signal: AbortSignal): Promise<EnrolmentOutcome> {
  const read = await readRepositoryFile(repository, enrolmentPath, signal);
  return read.kind === 'text' ? parseEnrolment(read.text, read.path) : read;
}

export function parseEnrolment(text: string, path: string): EnrolmentOutcome {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { kind: 'unreadable', message: `${path} is not JSON: ask your team’s lead to enrol the repository again.` };
  }
  const parsed = enrolmentSchema.safeParse(json);
  if (parsed.success) return { kind: 'enrolled', enrolment: parsed.data };
  const [issue] = parsed.error.issues;
  return {
    kind: 'unreadable',
    message: `${path}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is not valid'}. Ask your team’s lead to enrol the repository again.`,
  };
}

export function anchorsOf({ federation, lead, coordinator }: Enrolment): Anchors {
  return { federation: fromHex(federation), lead: fromHex(lead), coordinator: fromHex(coordinator.key) };
}

/** Without TLS the network sees who talks to whom; on this machine there is no network. */
function isSafe(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' || ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
}
