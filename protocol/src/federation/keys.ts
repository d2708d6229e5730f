import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  sign as nodeSign,
  verify as nodeVerify,
} from 'node:crypto';
import { label } from './bytes.ts';

/** Raw keys of 32 bytes, as they stand in messages and in the keychain; Ed25519 or X25519 by use. */
export interface KeyPair {
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

type Curve = 'ed25519' | 'x25519';

/** What RFC 8410 puts before the raw key: the algorithm's name in DER. */
const derPrefix: Record<Curve, { readonly public: Uint8Array; readonly secret: Uint8Array }> = {
  ed25519: derPrefixOf(0x70),
  x25519: derPrefixOf(0x6e),
};

function derPrefixOf(algorithm: number): { readonly public: Uint8Array; readonly secret: Uint8Array } {
  const oid = [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, algorithm];
  return {
    public: Uint8Array.of(0x30, 0x2a, ...oid, 0x03, 0x21, 0x00),
    secret: Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, ...oid, 0x04, 0x22, 0x04, 0x20),
  };
}

export const newSigningKeys = (): KeyPair => rawKeys(generateKeyPairSync('ed25519'));
export const newAgreementKeys = (): KeyPair => rawKeys(generateKeyPairSync('x25519'));

/** A signing pair from its secret key of 32 bytes. */
export function keyPairFrom(secretKey: Uint8Array): KeyPair {
  const publicKey = createPublicKey(secretObject('ed25519', secretKey));
  return { publicKey: last32(publicKey.export({ type: 'spki', format: 'der' })), secretKey };
}

/** An X25519 pair from its secret key of 32 bytes. */
export function agreementPairFrom(secretKey: Uint8Array): KeyPair {
  const publicKey = createPublicKey(secretObject('x25519', secretKey));
  return { publicKey: last32(publicKey.export({ type: 'spki', format: 'der' })), secretKey };
}

/** Separates the signatures of one use of a key from those of any other. */
const signatureContexts = {
  message: label('argot federation message 1\0'),
  request: label('argot federation request 1\0'),
} as const;
type SignatureUse = keyof typeof signatureContexts;

export function sign(secretKey: Uint8Array, body: Uint8Array, use: SignatureUse = 'message'): Uint8Array {
  const signed = Buffer.concat([signatureContexts[use], body]);
  return new Uint8Array(nodeSign(null, signed, secretObject('ed25519', secretKey)));
}

export function verify(
  publicKey: Uint8Array,
  body: Uint8Array,
  signature: Uint8Array,
  use: SignatureUse = 'message',
): boolean {
  try {
    const signed = Buffer.concat([signatureContexts[use], body]);
    return nodeVerify(null, signed, publicObject('ed25519', publicKey), signature);
  } catch {
    // Thrown for bytes that are no key at all.
    return false;
  }
}

/** The X25519 secret that both ends share; undefined for a public key of small order, with which it would be no secret. */
export type Agree = (publicKey: Uint8Array) => Uint8Array | undefined;

/** A key for one agreement, which is never written down. */
export function ephemeralKey(): { readonly publicKey: Uint8Array; readonly agree: Agree } {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  return { publicKey: last32(publicKey.export({ type: 'spki', format: 'der' })), agree: agreement(privateKey) };
}

/** One secret key, ready to agree with many public ones. */
export function agreeWith(secretKey: Uint8Array): Agree {
  return agreement(secretObject('x25519', secretKey));
}

function agreement(privateKey: KeyObject): Agree {
  return (publicKey) => {
    try {
      const shared = diffieHellman({ privateKey, publicKey: publicObject('x25519', publicKey) });
      return shared.every((byte) => byte === 0) ? undefined : new Uint8Array(shared);
    } catch {
      return undefined;
    }
  };
}

function rawKeys({
  publicKey,
  privateKey,
}: {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}): KeyPair {
  return {
    publicKey: last32(publicKey.export({ type: 'spki', format: 'der' })),
    secretKey: last32(privateKey.export({ type: 'pkcs8', format: 'der' })),
  };
}

function last32(der: Uint8Array): Uint8Array {
  return new Uint8Array(der.subarray(der.length - 32));
}

function publicObject(curve: Curve, raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([derPrefix[curve].public, raw]), format: 'der', type: 'spki' });
}

function secretObject(curve: Curve, raw: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([derPrefix[curve].secret, raw]), format: 'der', type: 'pkcs8' });
}
