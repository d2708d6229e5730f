import { randomBytes } from 'node:crypto';
import { encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { decodeCanonical, encodeCanonical } from './canonical.ts';
import { newSigningKeys } from './keys.ts';
import { joinSchema, planSchema, rosterSchema } from './messages.ts';
import { openRoster } from './roster.ts';
import { maxMessageBytes, openMessage, signMessage } from './signedMessage.ts';
import { simulatedPlan, simulatedTeam } from './simulatedTeam.ts';

const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));
const anything = z.unknown();

describe('encodeCanonical', () => {
  it.each([
    // RFC 8949, appendix A.
    [0, '00'],
    [24, '1818'],
    [-1, '20'],
    [1_000_000_000_000, '1b000000e8d4a51000'],
    [1.5, 'f93e00'],
    [1.1, 'fb3ff199999999999a'],
    [100_000.5, 'fa47c35040'],
    ['ü', '62c3bc'],
    [null, 'f6'],
    [[1, [2, 3]], '8201820203'],
    [new Uint8Array([1, 2, 3, 4]), '4401020304'],
    // Keys by their encoded bytes, not by length first alone.
    [{ b: 1, aa: 2, a: 3 }, 'a361610361620162616102'],
  ])('encodes %j as %s', (value, expected) => {
    expect(Buffer.from(encodeCanonical(value)).toString('hex')).toBe(expected);
    expect(decodeCanonical(bytes(expected), anything)).toEqual({ ok: true, value });
  });

  it.each([
    ['a long integer', '1800', 'notCanonical'],
    ['a whole number as a float', 'f93c00', 'notCanonical'],
    ['a float longer than it need be', 'fb3ff8000000000000', 'notCanonical'],
    ['−0', 'f98000', 'notCanonical'],
    ['keys out of order', 'a2616201616101', 'notCanonical'],
    ['a key twice', 'a2616101616101', 'malformed'],
    ['an indefinite string', '7f616161ff', 'malformed'],
    ['NaN', 'f97e00', 'malformed'],
    ['infinity', 'f97c00', 'malformed'],
    ['undefined', 'f7', 'malformed'],
    ['a tag', 'c001', 'malformed'],
    ['a number too large', '1bffffffffffffffff', 'malformed'],
    ['bytes after the end', '0000', 'malformed'],
    ['nothing', '', 'malformed'],
  ])('refuses %s', (_, given, refusal) => {
    expect(decodeCanonical(bytes(given), anything)).toMatchObject({ ok: false, refusal });
  });

  it('survives nesting without end', () => {
    expect(decodeCanonical(new Uint8Array(500_000).fill(0x81), anything)).toMatchObject({ refusal: 'malformed' });
  });

  it('accepts one encoding of a value at most', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (given) => {
        const decoded = decodeCanonical(given, anything);
        if (decoded.ok) expect(encodeCanonical(decoded.value)).toEqual(given);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('openMessage', () => {
  const keys = newSigningKeys();
  const federation = new Uint8Array(randomBytes(32));
  const join = { type: 'join', federation, name: 'Ada' };
  const expected = { federation, signer: keys.publicKey };
  const refusalOf = (message: Uint8Array) => openMessage(message, joinSchema, expected);

  it('gives back what was signed', () => {
    const opened = openMessage(signMessage(join, keys), joinSchema, expected);
    expect(opened).toMatchObject({ ok: true, value: { body: join, signer: keys.publicKey } });
  });

  it('refuses each single changed bit', () => {
    const message = signMessage(join, keys);
    for (let place = 0; place < message.length; place++) {
      const changed = message.slice();
      changed[place]! ^= 1 << (place % 8);
      expect(refusalOf(changed).ok).toBe(false);
    }
  });

  it('names what is wrong', () => {
    expect(refusalOf(signMessage({ ...join, extra: 1 } as typeof join, keys))).toMatchObject({ refusal: 'fields' });
    expect(refusalOf(signMessage({ ...join, type: 'leave' }, keys))).toMatchObject({ refusal: 'fields' });
    expect(refusalOf(signMessage({ ...join, federation: new Uint8Array(32) }, keys))).toMatchObject({
      refusal: 'wrongFederation',
    });
    expect(refusalOf(signMessage(join, newSigningKeys()))).toMatchObject({ refusal: 'wrongSigner' });
    const other = signMessage(join, { ...newSigningKeys(), publicKey: keys.publicKey });
    expect(refusalOf(other)).toMatchObject({ refusal: 'signature' });
    expect(refusalOf(new Uint8Array(maxMessageBytes + 1))).toMatchObject({ refusal: 'tooLarge' });
    expect(refusalOf(encode([1, 2, 3]))).toMatchObject({ refusal: 'malformed' });
  });

  it('has no room for a field beyond the specification, at any depth', () => {
    const plan = simulatedPlan(simulatedTeam(3), 10);
    expect(planSchema.safeParse(plan).success).toBe(true);
    const strangers = [
      { ...plan, path: 'src/index.ts' },
      { ...plan, adapter: { ...plan.adapter, note: 1 } },
      { ...plan, training: { ...plan.training, note: 1 } },
      { ...plan, privacy: { ...plan.privacy, note: 1 } },
      { ...plan, quantiser: { ...plan.quantiser, segments: [{ length: 10, range: 1, note: 1 }] } },
    ];
    for (const stranger of strangers) expect(planSchema.safeParse(stranger).success).toBe(false);
    const { adapter } = plan;
    expect(planSchema.safeParse({ ...plan, adapter: { ...adapter, targets: ['v', 'q'] } }).success).toBe(false);
    expect(planSchema.safeParse({ ...plan, adapter: { ...adapter, targets: ['q', 'q'] } }).success).toBe(false);
  });
});

describe('openRoster', () => {
  const { anchors, lead, coordinator, roster } = simulatedTeam(3);
  const first = roster.body;

  it('accepts the same again and a newer one', () => {
    expect(openRoster(signMessage(first, lead), anchors, roster)).toMatchObject({ ok: true });
    expect(openRoster(signMessage({ ...first, version: 5, previous: roster.id }, lead), anchors, roster).ok).toBe(true);
  });

  it.each([
    ['an older one', { ...first, version: 1 }, { ...roster, body: { ...first, version: 2 } }, 'rosterRollback'],
    ['another of the same version', { ...first, members: first.members.slice(1) }, roster, 'rosterForked'],
    ['members out of order', { ...first, members: [...first.members].reverse() }, undefined, 'rosterOrder'],
    ['a member twice', { ...first, members: first.members.map(() => first.members[0]!) }, undefined, 'rosterOrder'],
  ])('refuses %s', (_, given, newest, refusal) => {
    expect(rosterSchema.safeParse(given).success).toBe(true);
    expect(openRoster(signMessage(given, lead), anchors, newest)).toMatchObject({ refusal });
  });

  it('refuses the coordinator’s signature', () => {
    expect(openRoster(signMessage(first, coordinator), anchors, undefined)).toMatchObject({ refusal: 'wrongSigner' });
  });
});
