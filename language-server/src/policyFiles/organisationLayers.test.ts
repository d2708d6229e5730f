import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { limitText } from '../policy/decisions.ts';
import { effectivePolicy, valueFor } from '../policy/layers.ts';
import { signOrganisationPolicy } from '../policy/organisationPolicy.ts';
import { organisationLayers } from './organisationLayers.ts';
import { organisationMemory } from './organisationMemory.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const key = Buffer.from(String(publicKey.export({ format: 'jwk' }).x), 'base64url').toString('hex');

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argot-organisation-'));
});
afterEach(() => rm(folder, { recursive: true }));

function signed(version: number, bytesPerRound: number, by: KeyObject = privateKey): Uint8Array {
  return signOrganisationPolicy(Buffer.from(JSON.stringify({ schema: 1, version, policy: { bytesPerRound } })), by);
}

/** What holds, as a restarted process finds it. */
async function holds(file: Uint8Array | undefined, minimumVersion = 0) {
  const layers = await organisationLayers(file, { key, minimumVersion }, organisationMemory(folder), () => undefined);
  const policy = effectivePolicy(layers);
  return {
    bytes: limitText(valueFor(policy, 'bytesPerRound').limit),
    federation: limitText(valueFor(policy, 'federation').limit),
    said: policy.lockedDown.join(' '),
  };
}

it('goes forward and never back, whatever is put in the file’s place', async () => {
  expect(await holds(undefined)).toMatchObject({ federation: 'off', said: expect.stringContaining('is missing') });
  expect(await holds(signed(3, 30))).toEqual({ bytes: 'at most 30', federation: 'on', said: '' });
  expect(await holds(signed(5, 50))).toEqual({ bytes: 'at most 50', federation: 'on', said: '' });
  for (const older of [signed(3, 30), signed(4, 9999), undefined]) {
    expect(await holds(older)).toEqual({ bytes: 'at most 50', federation: 'on', said: '' });
  }
  const stranger = generateKeyPairSync('ed25519').privateKey;
  for (const forged of [signed(5, 51), signed(6, 9999, stranger), Buffer.from('{}')]) {
    expect(await holds(forged)).toMatchObject({ bytes: 'at most 50', federation: 'off' });
  }
  expect(await holds(signed(6, 60))).toEqual({ bytes: 'at most 60', federation: 'on', said: '' });
  // Where the administrator asks for more than was ever accepted.
  expect(await holds(undefined, 7)).toMatchObject({ federation: 'off' });
});

it('shuts where its memory is damaged, and says so', async () => {
  await holds(signed(3, 30));
  const [name = ''] = await readdir(folder);
  await writeFile(join(folder, name), '{"version": 1');
  expect(await holds(signed(3, 30))).toMatchObject({ bytes: 'at most 30', federation: 'off' });
  expect((await holds(undefined)).said).toContain('can’t be read');
});

it('is nothing without a pinned key', async () => {
  expect(await organisationLayers(signed(3, 30), undefined, organisationMemory(folder), () => undefined)).toEqual([]);
  expect(await readdir(folder)).toEqual([]);
});
