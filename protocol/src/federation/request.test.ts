import { describe, expect, it } from 'vitest';
import { newSigningKeys, sign } from './keys.ts';
import { requestLifetimeMs, signRequest, verifyRequest } from './request.ts';

const keys = newSigningKeys();
const head = { method: 'POST', target: '/v1/f/00/topics/rounds?x=1', timeMs: 1_000_000_000, body: Uint8Array.of(1, 2) };
const headers = signRequest(head, keys);

describe('verifyRequest', () => {
  it('gives the signer', () => {
    expect(verifyRequest(head, headers, head.timeMs)).toEqual({ ok: true, signer: keys.publicKey });
  });

  it.each([
    ['method', { ...head, method: 'PUT' }],
    ['target', { ...head, target: '/v1/f/00/topics/rounds?x=2' }],
    ['body', { ...head, body: Uint8Array.of(1, 3) }],
  ])('refuses another %s', (_, changed) => {
    expect(verifyRequest(changed, headers, head.timeMs)).toEqual({ ok: false, refusal: 'requestSignature' });
  });

  it('refuses what is unsigned, too old or from the future', () => {
    expect(verifyRequest(head, {}, head.timeMs)).toMatchObject({ refusal: 'unsigned' });
    for (const off of [-1, 1]) {
      const now = head.timeMs + off * (requestLifetimeMs + 1);
      expect(verifyRequest(head, headers, now)).toMatchObject({ refusal: 'clock' });
    }
    expect(verifyRequest(head, { ...headers, 'argot-time': String(head.timeMs + 1) }, head.timeMs)).toMatchObject({
      refusal: 'requestSignature',
    });
  });

  it('takes no signature that was made for a message', () => {
    const forMessage = Buffer.from(sign(keys.secretKey, Uint8Array.of(1))).toString('base64url');
    expect(verifyRequest(head, { ...headers, 'argot-signature': forMessage }, head.timeMs)).toMatchObject({
      refusal: 'requestSignature',
    });
  });
});
