import { createHash } from 'node:crypto';
import { z } from 'zod';
import { sameBytes } from './bytes.ts';
import { decodeCanonical, encodeCanonical } from './canonical.ts';
import { type KeyPair, sign, verify } from './keys.ts';
import { accept, type MessageRefusal, type Outcome, refuse } from './refusal.ts';

/**
 * Larger than any message of the largest cohort (a release of 256 survivors and 256 dropped has 2.1 MB), small enough to
 * be read at once.
 */
export const maxMessageBytes = 4 << 20;

/** A message whose form and signature hold. */
export interface Signed<Body> {
  readonly body: Body;
  readonly signer: Uint8Array;
  /** The hash of the body: what other messages name it by. */
  readonly id: Uint8Array;
}

export interface Expectation {
  /** Left out only where the message itself begins a federation. */
  readonly federation?: Uint8Array;
  /** Left out where several may sign, and the caller looks the signer up. */
  readonly signer?: Uint8Array;
}

const envelopeSchema = z.tuple([bytes(), bytes(32), bytes(64)]);

export function signMessage<Body extends { readonly type: string; readonly federation: Uint8Array }>(
  body: Body,
  keys: KeyPair,
): Uint8Array {
  const encoded = encodeCanonical(body);
  return encodeCanonical([encoded, keys.publicKey, sign(keys.secretKey, encoded)]);
}

export function openMessage<Body extends { readonly federation: Uint8Array }>(
  message: Uint8Array,
  schema: z.ZodType<Body>,
  expected: Expectation,
): Outcome<Signed<Body>, MessageRefusal> {
  if (message.length > maxMessageBytes) return refuse('tooLarge');
  const envelope = decodeCanonical(message, envelopeSchema);
  if (!envelope.ok) return envelope.refusal === 'fields' ? refuse('malformed') : envelope;
  const [encoded, signer, signature] = envelope.value;
  if (expected.signer !== undefined && !sameBytes(signer, expected.signer)) return refuse('wrongSigner');
  if (!verify(signer, encoded, signature)) return refuse('signature');
  const body = decodeCanonical(encoded, schema);
  if (!body.ok) return body;
  const { federation } = expected;
  if (federation !== undefined && !sameBytes(body.value.federation, federation)) return refuse('wrongFederation');
  return accept({ body: body.value, signer, id: sha256(encoded) });
}

/** The id that a message claims, whoever signed it: enough to find it by, before `openMessage` checks it. */
export function claimedId(message: Uint8Array): Uint8Array | undefined {
  const envelope = decodeCanonical(message, envelopeSchema);
  return envelope.ok ? sha256(envelope.value[0]) : undefined;
}

/** Who a message claims to be from, unproven. */
export function claimedSigner(message: Uint8Array): Uint8Array | undefined {
  const envelope = decodeCanonical(message, envelopeSchema);
  return envelope.ok ? envelope.value[1] : undefined;
}

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const state = createHash('sha256');
  for (const part of parts) state.update(part);
  return new Uint8Array(state.digest());
}

function bytes(length?: number) {
  return z.custom<Uint8Array>(
    (value) => value instanceof Uint8Array && (length === undefined || value.length === length),
  );
}
