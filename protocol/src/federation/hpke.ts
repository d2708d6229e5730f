import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { expand, extract } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { join, label } from './bytes.ts';
import { type Agree, agreeWith, ephemeralKey, type KeyPair } from './keys.ts';

/**
 * HPKE base mode, RFC 9180: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305, one message per context. A
 * sealed message is `enc ‖ ciphertext`. Names follow the RFC.
 */

const empty = new Uint8Array(0);
const version = label('HPKE-v1');
const kemSuite = join(label('KEM'), Uint8Array.of(0x00, 0x20));
const hpkeSuite = join(label('HPKE'), Uint8Array.of(0x00, 0x20, 0x00, 0x01, 0x00, 0x03));
const encBytes = 32;
const tagBytes = 16;
export const sealOverheadBytes = encBytes + tagBytes;

export interface SealContext {
  readonly info: Uint8Array;
  readonly associatedData: Uint8Array;
}

/** Undefined where the recipient's key is of small order. */
export function seal(
  plaintext: Uint8Array,
  recipientKey: Uint8Array,
  context: SealContext,
  /** Drawn anew for every message; given only by the test of the RFC's vectors. */
  ephemeral: Recipient = ephemeralKey(),
): Uint8Array | undefined {
  const dh = ephemeral.agree(recipientKey);
  if (dh === undefined) return undefined;
  const enc = ephemeral.publicKey;
  const { key, nonce } = schedule(sharedSecret(dh, enc, recipientKey), context.info);
  return join(enc, chacha20poly1305(key, nonce, context.associatedData).encrypt(plaintext));
}

/** Whoever can open what is sealed to a public key. */
export interface Recipient {
  readonly publicKey: Uint8Array;
  readonly agree: Agree;
}

export function recipientOf({ publicKey, secretKey }: KeyPair): Recipient {
  return { publicKey, agree: agreeWith(secretKey) };
}

/** Undefined where the message was not sealed to this key in this context. */
export function open(sealed: Uint8Array, recipient: Recipient, context: SealContext): Uint8Array | undefined {
  if (sealed.length < sealOverheadBytes) return undefined;
  const enc = sealed.subarray(0, encBytes);
  const dh = recipient.agree(enc);
  if (dh === undefined) return undefined;
  const { key, nonce } = schedule(sharedSecret(dh, enc, recipient.publicKey), context.info);
  try {
    return chacha20poly1305(key, nonce, context.associatedData).decrypt(sealed.subarray(encBytes));
  } catch {
    return undefined;
  }
}

/** RFC 9180, section 4.1, ExtractAndExpand. */
function sharedSecret(dh: Uint8Array, enc: Uint8Array, recipientKey: Uint8Array): Uint8Array {
  const prk = labeledExtract(kemSuite, empty, 'eae_prk', dh);
  return labeledExpand(kemSuite, prk, 'shared_secret', join(enc, recipientKey), 32);
}

/** RFC 9180, section 5.1, KeySchedule with an empty psk and psk_id. */
function schedule(secret: Uint8Array, info: Uint8Array): { readonly key: Uint8Array; readonly nonce: Uint8Array } {
  const pskIdHash = labeledExtract(hpkeSuite, empty, 'psk_id_hash', empty);
  const infoHash = labeledExtract(hpkeSuite, empty, 'info_hash', info);
  const context = join(Uint8Array.of(0), pskIdHash, infoHash);
  const prk = labeledExtract(hpkeSuite, secret, 'secret', empty);
  return {
    key: labeledExpand(hpkeSuite, prk, 'key', context, 32),
    nonce: labeledExpand(hpkeSuite, prk, 'base_nonce', context, 12),
  };
}

function labeledExtract(suite: Uint8Array, salt: Uint8Array, name: string, ikm: Uint8Array): Uint8Array {
  return extract(sha256, join(version, suite, label(name), ikm), salt);
}

function labeledExpand(suite: Uint8Array, prk: Uint8Array, name: string, info: Uint8Array, length: number): Uint8Array {
  return expand(sha256, prk, join(Uint8Array.of(length >> 8, length & 255), version, suite, label(name), info), length);
}
