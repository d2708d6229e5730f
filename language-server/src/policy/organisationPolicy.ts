import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { type Layer, lockDown } from './layers.ts';
import { type OrganisationAnchor, readPolicy } from './policyDocument.ts';

/** The newest signed policy that was ever accepted with a key. The loader keeps it durably, and never an older one. */
export interface Accepted {
  readonly version: number;
  /** SHA-256 of what was signed, in hexadecimal: one version has one content. */
  readonly hash: string;
}

export type OrganisationFault = 'missing' | 'malformed' | 'signature' | 'rolledBack' | 'forked' | 'notUnderstood';

export type OrganisationState =
  | { readonly state: 'none' }
  | { readonly state: 'holds'; readonly layer: Layer; readonly accepted: Accepted }
  /** `accepted` is there where the signature held and the version may be recorded. */
  | {
      readonly state: 'lockedDown';
      readonly reason: OrganisationFault;
      readonly layer: Layer;
      readonly accepted: Accepted | undefined;
    };

/** The file or message: what was signed, as the bytes that were signed, and the signature; both in base64. */
const envelopeSchema = z.strictObject({ signed: z.base64(), signature: z.base64() });
const versionSchema = z.int().gte(0);
const context = Buffer.from('argot organisation policy 1\0');

/**
 * The organisation's layer. `file` is what came from the coordinator or a file, whichever is newer, and where neither has
 * one, the loader's own copy of the last accepted one; undefined where there is nothing. Without a pinned key there is no
 * organisation: a signature by a key that nobody pinned proves nothing.
 */
export function organisationState(
  file: Uint8Array | undefined,
  pinned: OrganisationAnchor | undefined,
  highest: Accepted | undefined,
): OrganisationState {
  if (pinned === undefined) return { state: 'none' };
  if (file === undefined) return fault('missing', 'is missing');
  const opened = open(file, pinned.key);
  if (!opened.ok) return fault(opened.reason, opened.why);
  const { limits, complaints, rest } = readPolicy(opened.signed, ['organisation', 'version']);
  const version = versionSchema.safeParse(rest.version);
  if (!version.success) return fault('malformed', 'has no version');
  const accepted = { version: version.data, hash: createHash('sha256').update(opened.signed).digest('hex') };

  const least = Math.max(pinned.minimumVersion, highest?.version ?? 0);
  if (version.data < least) return fault('rolledBack', `is version ${version.data}, older than version ${least}`);
  if (highest !== undefined && highest.version === version.data && highest.hash !== accepted.hash) {
    return fault('forked', `differs from the version ${version.data} that was accepted before`);
  }
  if (complaints.length === 0) return { state: 'holds', layer: { name: 'organisation', limits }, accepted };
  const layer = lockDown('organisation', sentence(`is not understood: ${complaints.join('; ')}`), limits);
  return { state: 'lockedDown', reason: 'notUnderstood', layer, accepted };
}

/** For the organisation's own command: the file that `organisationState` reads. */
export function signOrganisationPolicy(document: Uint8Array, secretKey: KeyObject): Uint8Array {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  const signature = sign(null, Buffer.concat([context, document]), secretKey);
  return Buffer.from(JSON.stringify({ signed: base64(document), signature: base64(signature) }));
}

type Opened =
  | { readonly ok: true; readonly signed: Uint8Array }
  | { readonly ok: false; readonly reason: OrganisationFault; readonly why: string };

function open(file: Uint8Array, key: string): Opened {
  const envelope = parseEnvelope(file);
  if (envelope === undefined) return { ok: false, reason: 'malformed', why: 'is not a signed policy' };
  const signed = Buffer.from(envelope.signed, 'base64');
  const signature = Buffer.from(envelope.signature, 'base64');
  if (!verifies(key, Buffer.concat([context, signed]), signature)) {
    return { ok: false, reason: 'signature', why: 'is not signed by the organisation’s key' };
  }
  return { ok: true, signed };
}

function verifies(key: string, message: Uint8Array, signature: Uint8Array): boolean {
  const x = Buffer.from(key, 'hex').toString('base64url');
  try {
    return verify(null, message, createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }), signature);
  } catch {
    // Thrown for 32 bytes that are no point of the curve.
    return false;
  }
}

function parseEnvelope(file: Uint8Array): z.infer<typeof envelopeSchema> | undefined {
  try {
    return envelopeSchema.safeParse(JSON.parse(Buffer.from(file).toString('utf8'))).data;
  } catch {
    // Not JSON: to the caller it is malformed like any other.
    return undefined;
  }
}

function fault(reason: OrganisationFault, why: string): OrganisationState {
  return { state: 'lockedDown', reason, layer: lockDown('organisation', sentence(why)), accepted: undefined };
}

function sentence(why: string): string {
  return `The organisation’s policy ${why}. Learning, federation and the network are off until it is replaced.`;
}
