import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { label } from './bytes.ts';
import { open, recipientOf, seal, sealOverheadBytes } from './hpke.ts';
import { newAgreementKeys } from './keys.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

/** RFC 9180, appendix A.2.1, sequence number 0. */
const vector = {
  ephemeral: {
    secretKey: bytes('f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600'),
    publicKey: bytes('1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a'),
  },
  recipient: {
    secretKey: bytes('8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb'),
    publicKey: bytes('4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a'),
  },
  context: { info: label('Ode on a Grecian Urn'), associatedData: label('Count-0') },
  plaintext: label('Beauty is truth, truth beauty'),
  ciphertext: bytes('1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28'),
};

it('agrees with the vectors of RFC 9180', () => {
  const sealed = seal(vector.plaintext, vector.recipient.publicKey, vector.context, recipientOf(vector.ephemeral));
  expect(sealed?.subarray(32)).toEqual(vector.ciphertext);
  expect(sealed && open(sealed, recipientOf(vector.recipient), vector.context)).toEqual(vector.plaintext);
});

it('opens only for the recipient, in the context, unchanged', () => {
  const keys = newAgreementKeys();
  const recipient = recipientOf(keys);
  const plaintext = new Uint8Array(randomBytes(100));
  const sealed = seal(plaintext, keys.publicKey, vector.context)!;
  expect(sealed.length).toBe(plaintext.length + sealOverheadBytes);
  expect(open(sealed, recipient, vector.context)).toEqual(plaintext);
  expect(open(sealed, recipientOf(newAgreementKeys()), vector.context)).toBeUndefined();
  expect(open(sealed, recipient, { ...vector.context, info: label('other') })).toBeUndefined();
  expect(open(sealed, recipient, { ...vector.context, associatedData: label('other') })).toBeUndefined();
  for (const place of [0, 40, sealed.length - 1]) {
    const changed = sealed.slice();
    changed[place]! ^= 1;
    expect(open(changed, recipient, vector.context)).toBeUndefined();
  }
  expect(open(sealed.subarray(0, 47), recipient, vector.context)).toBeUndefined();
});

it('refuses keys of small order', () => {
  expect(seal(vector.plaintext, new Uint8Array(32), vector.context)).toBeUndefined();
});
