import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { organisationState, signOrganisationPolicy } from './organisationPolicy.ts';

function newKeys(): { readonly hex: string; readonly secret: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return {
    hex: Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex'),
    secret: privateKey,
  };
}
const keys = newKeys();
const pinned = { key: keys.hex, minimumVersion: 0 };

function signed(version: unknown, policy: unknown = { federation: false }, schema = 1): Uint8Array {
  return signOrganisationPolicy(Buffer.from(JSON.stringify({ schema, version, policy })), keys.secret);
}

describe('the organisation’s policy', () => {
  it('is a layer where the pinned key signed it', () => {
    const state = organisationState(signed(3), pinned, undefined);
    expect(state).toMatchObject({ state: 'holds', accepted: { version: 3 } });
    if (state.state !== 'holds') return;
    expect(state.layer.limits.get('federation')).toEqual({ kind: 'allowed', allowed: false });
    // Seen again, and followed by a newer one.
    expect(organisationState(signed(3), pinned, state.accepted).state).toBe('holds');
    expect(organisationState(signed(4), pinned, state.accepted)).toMatchObject({ accepted: { version: 4 } });
  });

  it('means nothing without a pinned key', () => {
    expect(organisationState(signed(3), undefined, undefined)).toEqual({ state: 'none' });
  });

  it('cannot go back', () => {
    const highest = { version: 5, hash: '' };
    expect(organisationState(signed(4), pinned, highest)).toMatchObject({ state: 'lockedDown', reason: 'rolledBack' });
    const least = { ...pinned, minimumVersion: 7 };
    expect(organisationState(signed(6), least, undefined)).toMatchObject({ state: 'lockedDown', reason: 'rolledBack' });
    const first = organisationState(signed(5, { federation: false }), pinned, undefined);
    if (first.state !== 'holds') throw new Error('It is signed.');
    const other = organisationState(signed(5, { federation: true }), pinned, first.accepted);
    expect(other).toMatchObject({ state: 'lockedDown', reason: 'forked', accepted: undefined });
  });

  it('signed by another key, changed, or signed for another use, is not believed', () => {
    const document = Buffer.from('{"schema": 1, "version": 9, "policy": {}}');
    const foreign = signOrganisationPolicy(document, newKeys().secret);
    expect(organisationState(foreign, pinned, undefined)).toMatchObject({ reason: 'signature', accepted: undefined });
    const envelope = JSON.parse(Buffer.from(signed(3)).toString());
    const changed = {
      ...envelope,
      signed: Buffer.from(JSON.stringify({ schema: 1, version: 3, policy: {} })).toString('base64'),
    };
    expect(organisationState(Buffer.from(JSON.stringify(changed)), pinned, undefined)).toMatchObject({
      reason: 'signature',
    });
    const bare = JSON.stringify({
      signed: document.toString('base64'),
      signature: sign(null, document, keys.secret).toString('base64'),
    });
    expect(organisationState(Buffer.from(bare), pinned, undefined)).toMatchObject({ reason: 'signature' });
    expect(organisationState(signed(3), { ...pinned, key: 'ff'.repeat(32) }, undefined)).toMatchObject({
      reason: 'signature',
    });
  });

  it.each([
    ['missing though pinned', undefined, 'missing'],
    ['no envelope', Buffer.from('{}'), 'malformed'],
    ['no JSON', Buffer.from('{'), 'malformed'],
    ['without a version', signed('3'), 'malformed'],
    ['of a newer schema', signed(3, { adapterRank: 4 }, 2), 'notUnderstood'],
    ['with an unknown field', signed(3, { adapterRank: 4, telepathy: false }), 'notUnderstood'],
  ])('%s locks down', (_, file, reason) => {
    const state = organisationState(file, pinned, undefined);
    expect(state).toMatchObject({ state: 'lockedDown', reason });
    if (state.state !== 'lockedDown') return;
    expect(state.layer.limits.get('network')).toEqual({ kind: 'allowed', allowed: false });
    expect(state.layer.lockedDown).toContain('organisation’s policy');
    if (reason === 'notUnderstood') {
      expect(state.layer.limits.get('adapterRank')).toEqual({ kind: 'atMost', most: 4 });
      // It is genuine, so an older one will not be taken for it.
      expect(state.accepted?.version).toBe(3);
    }
  });
});
