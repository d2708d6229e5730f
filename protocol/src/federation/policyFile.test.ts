import { expect, it } from 'vitest';
import { claimedPolicyVersion, mostPolicyBytes } from './policyFile.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const file = (signed: string, more: object = {}) =>
  new Uint8Array(Buffer.from(JSON.stringify({ signed: base64(signed), signature: base64('s'), ...more })));

it('reads the version that a signed policy claims, and of nothing else', () => {
  expect(claimedPolicyVersion(file('{"schema": 1, "version": 7, "policy": {}}'))).toBe(7);
  expect(claimedPolicyVersion(file('{"version": -1}'))).toBeUndefined();
  expect(claimedPolicyVersion(file('{"version": "7"}'))).toBeUndefined();
  expect(claimedPolicyVersion(file('{'))).toBeUndefined();
  expect(claimedPolicyVersion(file('{"version": 7}', { more: 1 }))).toBeUndefined();
  expect(claimedPolicyVersion(new Uint8Array(Buffer.from('{')))).toBeUndefined();
  expect(claimedPolicyVersion(file(`{"version": 7, "x": "${'x'.repeat(mostPolicyBytes)}"}`))).toBeUndefined();
});
