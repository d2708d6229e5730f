import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { join as joined } from '#protocol/federation/bytes.ts';
import {
  agreementPairFrom,
  type KeyPair,
  keyPairFrom,
  newAgreementKeys,
  newSigningKeys,
} from '#protocol/federation/keys.ts';
import type { MemberKeys } from '#protocol/federation/member.ts';
import type { Card } from '#protocol/federation/messages.ts';
import { signMessage } from '#protocol/federation/signedMessage.ts';
import { writeAtomically } from '../engine/disk.ts';
import type { KeyStore } from './keyStore.ts';

/**
 * A member's keys in one federation: the signing key for good, and card keys by generation. A new generation comes after
 * each round, and the one before the last goes, so that who steals the machine later opens no past round.
 */
export interface Identity {
  readonly signing: KeyPair;
  /** Keys of the newest card. */
  newest(signal: AbortSignal): Promise<MemberKeys>;
  /** Keys of a card that a plan names; undefined once they are deleted. */
  at(generation: number, signal: AbortSignal): Promise<MemberKeys | undefined>;
  renew(signal: AbortSignal): Promise<void>;
  /** The newest card, signed. */
  card(federation: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /** Deletes every secret. */
  destroy(signal: AbortSignal): Promise<void>;
}

const fileSchema = z.object({ newest: z.int().min(0) });

export async function openIdentity(
  folder: string,
  federation: string,
  store: KeyStore,
  signal: AbortSignal,
): Promise<Identity> {
  const path = join(folder, 'identity.json');
  const prefix = `argot.federation.${federation}`;
  const signingName = `${prefix}.signing`;
  const cardName = (generation: number) => `${prefix}.card-${generation}`;
  const read = async (): Promise<number> => {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    return text === undefined ? -1 : fileSchema.parse(JSON.parse(text)).newest;
  };

  async function make(generation: number, during: AbortSignal): Promise<void> {
    const secret = joined(newAgreementKeys().secretKey, newAgreementKeys().secretKey);
    // The secret before its number: a number without a secret would be a card that nobody can answer for.
    await store.set(cardName(generation), secret, during);
    await writeAtomically(path, JSON.stringify({ newest: generation }));
  }

  await mkdir(folder, { recursive: true, mode: 0o700 });
  const known = await store.get(signingName, signal);
  const signing = known === undefined ? newSigningKeys() : keyPairFrom(known);
  if (known === undefined) await store.set(signingName, signing.secretKey, signal);
  const first = await read();
  if (first < 0 || (await store.get(cardName(first), signal)) === undefined) await make(first + 1, signal);

  async function at(generation: number, during: AbortSignal): Promise<MemberKeys | undefined> {
    const secret = await store.get(cardName(generation), during);
    if (secret === undefined) return undefined;
    return {
      signing,
      generation,
      agreement: agreementPairFrom(secret.slice(0, 32)),
      sealing: agreementPairFrom(secret.slice(32)),
    };
  }
  async function newest(during: AbortSignal): Promise<MemberKeys> {
    const keys = await at(await read(), during);
    if (keys === undefined)
      throw new Error('The keys of this federation are gone from the key store: leave and join again.');
    return keys;
  }
  return {
    signing,
    at,
    newest,
    async renew(during) {
      const before = await read();
      await make(before + 1, during);
      await store.delete(cardName(before - 1), during);
    },
    async card(id, during) {
      const { generation, agreement, sealing } = await newest(during);
      const card: Card = {
        type: 'card',
        federation: id,
        generation,
        agreementKey: agreement.publicKey,
        sealingKey: sealing.publicKey,
      };
      return signMessage(card, signing);
    },
    async destroy(during) {
      const last = await read();
      await store.delete(signingName, during);
      for (const generation of [last - 1, last, last + 1]) await store.delete(cardName(generation), during);
    },
  };
}
