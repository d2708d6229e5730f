import { z } from 'zod';
import { type Limit, type LimitKind, sortedSet } from './limits.ts';

/** A policy's fields as a person writes them; each may be left out, which says nothing about it. */
const sha256 = z.string().regex(/^[0-9a-fA-F]{64}$/, 'must be 64 hexadecimal digits');
const origin = z
  .url({ protocol: /^https?$/ })
  .refine(hasNoPath, 'must be an origin such as https://example.org, without a path');
const glob = z.string().min(1).max(500);
const pattern = z.string().min(1).max(500).refine(compiles, 'must be a regular expression');
const absolutePath = z
  .string()
  .regex(/^(\/|[A-Za-z]:[\\/]|\\\\)/, 'must be an absolute path')
  .max(1000);
const list = <Item extends z.ZodType<string>>(item: Item) => z.array(item).max(1000);
const most = z.number().gte(0);

const signals = ['accepted', 'acceptedPart', 'corrected', 'typedInstead', 'undone'] as const;
const mechanisms = ['none', 'record', 'client'] as const;
const targets = ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] as const;

const table = {
  learning: allowed('Whether Argot may learn from what the developer does.'),
  learningSignals: only('Kinds of signal that examples may be made of.', list(z.enum(signals)), signals),
  ownHistory: allowed('Whether lines that the developer authored in git may be learned from.'),
  retentionDays: atMost('Days that an example is kept.', most),
  retentionExamples: atMost('Examples that are kept; the oldest go first.', z.int().gte(0)),
  exclude: all('Glob patterns of files that are never read for completion or learning.', list(glob), [
    '**/.env',
    '**/.env.*',
    '**/*.pem',
    '**/*.key',
    '**/id_rsa*',
    '**/.npmrc',
  ]),
  secretRules: all(
    'Regular expressions of secrets, beside the built-in ones: what holds one is never learned.',
    list(pattern),
    [],
  ),
  federation: allowed('Whether a repository may be enrolled in a team.'),
  coordinators: only('Origins of the coordinators that may be used.', list(origin), 'any', originOf),
  coordinatorKeys: only('SHA-256 fingerprints of the coordinators’ keys that may be used.', list(sha256), 'any', lower),
  minimumCohort: atLeast('Members that a round must have at least.', z.int().gte(1).lte(100_000), 3),
  privacyMechanisms: only('Privacy mechanisms that a round may use.', list(z.enum(mechanisms)), mechanisms),
  delta: atMost('The largest delta at which epsilon is stated.', z.number().gt(0).lt(1), 1e-5),
  epsilonPerRound: atMost('Epsilon that one round may spend. A round without privacy has an infinite one.', most),
  epsilonPerYear: atMost('Epsilon that all rounds of a year may spend together.', most),
  epsilonLifetime: atMost('Epsilon that all rounds together may ever spend.', most),
  adapterRank: atMost('Rank of the adapter that a round may train.', z.int().gte(0), 512),
  adapterTargets: only('Matrices that a round may train.', list(z.enum(targets)), targets),
  bytesPerRound: atMost('Bytes that one round may send from this machine.', z.int().gte(0), 256 * 1024 * 1024),
  modelHashes: only('SHA-256 hashes of the model files that may be loaded.', list(sha256), 'any', lower),
  modelLicences: only(
    'SPDX identifiers of the models’ licences that are accepted.',
    list(z.string().min(1).max(100)),
    'any',
    lower,
  ),
  downloadSources: only('Origins that models may be downloaded from.', list(origin), 'any', originOf),
  network: allowed('Whether Argot may use the network at all.'),
  auditLog: all('Absolute paths of files that the audit log is also written to.', list(absolutePath), []),
} as const satisfies Record<string, FieldSpec>;

export type Field = keyof typeof table;
/** The fields of one kind. */
export type FieldOf<Kind extends LimitKind> = {
  [F in Field]: (typeof table)[F]['kind'] extends Kind ? F : never;
}[Field];

export interface FieldSpec<Kind extends LimitKind = LimitKind> {
  readonly kind: Kind;
  readonly schema: z.ZodType<boolean | number | readonly string[]>;
  /** What holds where no layer says more: nothing below the floor can be had. */
  readonly floor: Limit;
  /** One spelling for each item of a list. */
  readonly canonical: (item: string) => string;
}

export const fieldSpecs: Readonly<Record<Field, FieldSpec>> = table;

export function isField(name: string): name is Field {
  return Object.hasOwn(table, name);
}

export const fieldNames: readonly Field[] = Object.keys(table).filter(isField);

/** A value as written, checked before by the field's schema, as the limit that it sets. */
export function limitOf(field: Field, value: boolean | number | readonly string[]): Limit {
  const { kind, canonical } = fieldSpecs[field];
  if (kind === 'allowed' && typeof value === 'boolean') return { kind, allowed: value };
  if (kind === 'atMost' && typeof value === 'number') return { kind, most: value };
  if (kind === 'atLeast' && typeof value === 'number') return { kind, least: value };
  if ((kind === 'only' || kind === 'all') && typeof value === 'object') {
    return { kind, of: sortedSet(value.map(canonical)) };
  }
  throw new TypeError(`${field} cannot be ${typeof value}.`);
}

/** Each item as the lists hold it: for questions such as whether an address is among the sources. */
export function canonicalItem(field: Field, item: string): string {
  return fieldSpecs[field].canonical(item);
}

function allowed(title: string) {
  return spec('allowed', z.boolean().describe(title), { kind: 'allowed', allowed: true });
}

function atMost(title: string, schema: z.ZodType<number>, floor = Number.POSITIVE_INFINITY) {
  return spec('atMost', schema.describe(title), { kind: 'atMost', most: floor });
}

function atLeast(title: string, schema: z.ZodType<number>, floor: number) {
  return spec('atLeast', schema.describe(title), { kind: 'atLeast', least: floor });
}

function only(
  title: string,
  schema: z.ZodType<readonly string[]>,
  floor: readonly string[] | 'any',
  canonical?: (item: string) => string,
) {
  return spec(
    'only',
    schema.describe(title),
    { kind: 'only', of: floor === 'any' ? floor : sortedSet(floor) },
    canonical,
  );
}

function all(title: string, schema: z.ZodType<readonly string[]>, floor: readonly string[]) {
  return spec('all', schema.describe(title), { kind: 'all', of: sortedSet(floor) });
}

function spec<Kind extends LimitKind, Value extends boolean | number | readonly string[]>(
  kind: Kind,
  schema: z.ZodType<Value>,
  floor: Limit,
  canonical: (item: string) => string = (item) => item,
): FieldSpec<Kind> {
  return { kind, schema, floor, canonical };
}

function lower(item: string): string {
  return item.toLowerCase();
}

/** The item itself where it is no address: it then equals no origin. */
function originOf(item: string): string {
  return URL.canParse(item) ? new URL(item).origin : item;
}

function hasNoPath(item: string): boolean {
  if (!URL.canParse(item)) return false;
  const { pathname, search, hash, username, password } = new URL(item);
  return pathname === '/' && search + hash + username + password === '';
}

function compiles(source: string): boolean {
  try {
    new RegExp(source, 'u');
    return true;
  } catch {
    // The constructor has no other way to say no.
    return false;
  }
}
