import { decode, encode, rfc8949EncodeOptions } from 'cborg';
import type { z } from 'zod';
import { sameBytes } from './bytes.ts';
import { accept, type Outcome, refuse } from './refusal.ts';

/** Core deterministic CBOR (RFC 8949, section 4.2.1): one value has one encoding, so that its hash names it. */
export function encodeCanonical(value: unknown): Uint8Array {
  return new Uint8Array(encode(value, rfc8949EncodeOptions));
}

export function decodeCanonical<Value>(
  bytes: Uint8Array,
  schema: z.ZodType<Value>,
): Outcome<Value, 'malformed' | 'notCanonical' | 'fields'> {
  let raw: unknown;
  let again: Uint8Array;
  try {
    raw = decode(bytes, {
      strict: false,
      allowIndefinite: false,
      allowUndefined: false,
      allowInfinity: false,
      allowNaN: false,
      allowBigInt: false,
      rejectDuplicateMapKeys: true,
    });
    again = encodeCanonical(raw);
  } catch {
    // The library throws at anything that is not CBOR, the engine at nesting too deep: to the caller both are the same.
    return refuse('malformed');
  }
  if (!sameBytes(bytes, again)) return refuse('notCanonical');
  const parsed = schema.safeParse(raw);
  return parsed.success ? accept(parsed.data) : refuse('fields');
}
