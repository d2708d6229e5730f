import { z } from 'zod';
import { type Field, fieldNames, fieldSpecs, isField, limitOf } from './fields.ts';
import type { Limit } from './limits.ts';

/** The version of the fields and their meaning; a document of a later one may say what this code cannot know. */
export const policySchemaVersion = 1;
/** Larger than any real policy, small enough to be parsed at once. */
export const largestPolicyBytes = 1024 * 1024;

/** What could be read of a document, and what could not, as sentences for whoever wrote it. */
export interface ReadPolicy {
  readonly limits: ReadonlyMap<Field, Limit>;
  readonly complaints: readonly string[];
  /** The document's other properties, by name. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/**
 * Reads a document of the form `{"schema": 1, "policy": {…}, …}`. Every field that can be read counts; each complaint means
 * that something was written that this version does not understand, so that the caller locks down instead of guessing.
 */
export function readPolicy(bytes: Uint8Array, otherProperties: readonly string[]): ReadPolicy {
  const nothing = { limits: new Map(), rest: {} };
  if (bytes.length > largestPolicyBytes) {
    return { ...nothing, complaints: [`it is larger than ${largestPolicyBytes} bytes`] };
  }
  const parsed = parseObject(bytes);
  if (!parsed.ok) return { ...nothing, complaints: [parsed.complaint] };
  const { $schema: _, schema, policy, ...rest } = parsed.document;
  const complaints: string[] = [];
  if (schema !== policySchemaVersion) complaints.push(schemaComplaint(schema));
  for (const name of Object.keys(rest)) {
    if (!otherProperties.includes(name)) complaints.push(`“${name}” is not a property of a policy file`);
  }
  const fields = asObject(policy);
  if (fields === undefined) complaints.push('“policy” must be an object');
  const read = readFields(fields ?? {}, fieldNames);
  return { limits: read.limits, complaints: [...complaints, ...read.complaints], rest };
}

/** Fields by name; `known` are those that may be set here. */
export function readFields(
  fields: Readonly<Record<string, unknown>>,
  known: readonly Field[],
): Omit<ReadPolicy, 'rest'> {
  const limits = new Map<Field, Limit>();
  const complaints: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (!isField(name) || !known.includes(name)) {
      complaints.push(`“${name}” is not a field that this version of Argot knows here`);
      continue;
    }
    const parsed = fieldSpecs[name].schema.safeParse(value);
    if (parsed.success) limits.set(name, limitOf(name, parsed.data));
    else complaints.push(`“${name}”: ${sentenceOf(parsed.error)}`);
  }
  return { limits, complaints };
}

/** For the editor's completion and checks in the admin file; schemas/policy.schema.json holds it. */
export function policyJsonSchema(): unknown {
  const shape = Object.fromEntries(fieldNames.map((name) => [name, fieldSpecs[name].schema.optional()]));
  const document = z.strictObject({
    $schema: z.string().optional(),
    schema: z.literal(policySchemaVersion).describe('The version of this format.'),
    organisation: organisationAnchorSchema.optional(),
    policy: z
      .strictObject(shape)
      .describe('What may happen on this machine. The strictest layer holds, field by field.'),
  });
  return { title: 'Argot policy', ...z.toJSONSchema(document, { io: 'input' }) };
}

/** How an admin file pins the organisation's policy. */
export const organisationAnchorSchema = z
  .strictObject({
    key: z
      .string()
      .regex(/^[0-9a-fA-F]{64}$/, 'must be 64 hexadecimal digits')
      .describe('The organisation’s Ed25519 public key.'),
    minimumVersion: z.int().gte(0).default(0).describe('Signed policies before this version are refused.'),
  })
  .describe('The organisation whose signed policy must be there.');
export type OrganisationAnchor = z.infer<typeof organisationAnchorSchema>;

export function sentenceOf(error: z.ZodError): string {
  const issue = error.issues[0];
  const place = issue === undefined || issue.path.length === 0 ? '' : `at ${issue.path.join('.')}: `;
  return `${place}${issue?.message ?? 'is not valid'}`;
}

function schemaComplaint(schema: unknown): string {
  if (typeof schema === 'number' && schema > policySchemaVersion) {
    return `it is written for schema ${schema} and this version of Argot knows schema ${policySchemaVersion}: update Argot`;
  }
  return `“schema” must be ${policySchemaVersion}`;
}

type Parsed =
  | { readonly ok: true; readonly document: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly complaint: string };

function parseObject(bytes: Uint8Array): Parsed {
  try {
    // A byte-order mark, as some editors write it, is skipped by the decoder.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    const document = asObject(value);
    if (document === undefined) return { ok: false, complaint: notJson };
    if (namesIn(text) === propertiesOf(value)) return { ok: true, document };
    return { ok: false, complaint: 'a property is there twice, and it is not clear which one is meant' };
  } catch {
    // Not UTF-8 or not JSON: both are told as such.
    return { ok: false, complaint: notJson };
  }
}

const notJson = 'it is not a JSON object in UTF-8';

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
}

/** Names as written, in text that is JSON: the strings before a colon. */
function namesIn(text: string): number {
  return [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon !== undefined).length;
}

/** Names as parsed: JSON.parse silently takes the last of two equal ones. */
function propertiesOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inside = Object.values(value).reduce((sum: number, each) => sum + propertiesOf(each), 0);
  return inside + (Array.isArray(value) ? 0 : Object.keys(value).length);
}
