import { z } from 'zod';
import { hex } from '#protocol/federation/bytes.ts';
import { foundSchema } from '#protocol/federation/messages.ts';
import { openMessage } from '#protocol/federation/signedMessage.ts';
import { type FederationStore, federationStore, type StoreContext } from './federationStore.ts';

/** All federations of this coordinator, by id in hex. */
export interface Federations {
  find(id: string): FederationStore | undefined;
  all(): readonly FederationStore[];
  /** `taken`: there is one of this id with another lead. */
  found(message: Uint8Array): Founded;
}

export type Founded =
  | { readonly kind: 'founded' | 'there'; readonly id: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'taken' };

const rowSchema = z.object({ id: z.instanceof(Uint8Array), lead: z.instanceof(Uint8Array) });

export function openFederations(coordinator: Uint8Array, context: StoreContext): Federations {
  const { sql } = context.database;
  const insert = sql.prepare('INSERT INTO federations (id, lead, createdMs) VALUES (?, ?, ?)');
  const stores = new Map<string, FederationStore>();
  const add = (federation: Uint8Array, lead: Uint8Array) =>
    stores.set(hex(federation), federationStore({ federation, lead, coordinator }, context));
  for (const row of sql.prepare('SELECT id, lead FROM federations').all()) {
    const { id, lead } = rowSchema.parse(row);
    add(new Uint8Array(id), new Uint8Array(lead));
  }
  return {
    find: (id) => stores.get(id),
    all: () => [...stores.values()],
    found(message) {
      const signed = openMessage(message, foundSchema, {});
      if (!signed.ok || hex(signed.value.body.coordinator) !== hex(coordinator)) return { kind: 'refused' };
      const { signer: lead } = signed.value;
      const { federation } = signed.value.body;
      const id = hex(federation);
      const there = stores.get(id);
      if (there !== undefined) return hex(there.anchors.lead) === hex(lead) ? { kind: 'there', id } : { kind: 'taken' };
      insert.run(federation, lead, context.nowMs());
      add(federation, lead);
      return { kind: 'founded', id };
    },
  };
}
