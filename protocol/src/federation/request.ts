import { encodeCanonical } from './canonical.ts';
import { type KeyPair, sign, verify } from './keys.ts';
import { sha256 } from './signedMessage.ts';

/** Requests over HTTP, signed by who makes them: docs/protocol.md, “HTTP”. */
export const signatureHeaders = {
  signer: 'argot-signer',
  timeMs: 'argot-time',
  signature: 'argot-signature',
} as const;

/** A request counts for this long on either side of the coordinator's clock. */
export const requestLifetimeMs = 5 * 60_000;

export interface RequestHead {
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
  /** By the coordinator's clock, as the sender knows it. */
  readonly timeMs: number;
  readonly body: Uint8Array;
}

export function signRequest(head: RequestHead, keys: KeyPair): Readonly<Record<string, string>> {
  return {
    [signatureHeaders.signer]: Buffer.from(keys.publicKey).toString('hex'),
    [signatureHeaders.timeMs]: String(head.timeMs),
    [signatureHeaders.signature]: Buffer.from(sign(keys.secretKey, signedPart(head), 'request')).toString('base64url'),
  };
}

export type RequestRefusal = 'unsigned' | 'clock' | 'requestSignature';

/** The signer's key, or why the request has none. */
export function verifyRequest(
  head: Omit<RequestHead, 'timeMs'>,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  nowMs: number,
): { readonly ok: true; readonly signer: Uint8Array } | { readonly ok: false; readonly refusal: RequestRefusal } {
  const signer = bytesOf(headers[signatureHeaders.signer], 'hex', 32);
  const signature = bytesOf(headers[signatureHeaders.signature], 'base64url', 64);
  const time = headers[signatureHeaders.timeMs];
  if (signer === undefined || signature === undefined || typeof time !== 'string' || !/^\d{1,15}$/.test(time)) {
    return { ok: false, refusal: 'unsigned' };
  }
  const timeMs = Number(time);
  if (Math.abs(timeMs - nowMs) > requestLifetimeMs) return { ok: false, refusal: 'clock' };
  const holds = verify(signer, signedPart({ ...head, timeMs }), signature, 'request');
  return holds ? { ok: true, signer } : { ok: false, refusal: 'requestSignature' };
}

function signedPart({ method, target, timeMs, body }: RequestHead): Uint8Array {
  return encodeCanonical([method, target, timeMs, sha256(body)]);
}

function bytesOf(
  header: string | readonly string[] | undefined,
  encoding: 'hex' | 'base64url',
  length: number,
): Uint8Array | undefined {
  if (typeof header !== 'string') return undefined;
  const bytes = new Uint8Array(Buffer.from(header, encoding));
  return bytes.length === length ? bytes : undefined;
}
