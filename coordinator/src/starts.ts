import { startsTopic } from '#protocol/federation/board.ts';
import { sameBytes } from '#protocol/federation/bytes.ts';
import type { Start } from '#protocol/federation/messages.ts';
import type { Signed } from '#protocol/federation/signedMessage.ts';
import { newestStart, openStart, startValues } from '#protocol/federation/start.ts';
import { startBasis } from '#protocol/federation/startBasis.ts';
import type { Admission } from './admission.ts';
import type { BlobStore } from './blobStore.ts';
import type { FederationStore } from './federationStore.ts';

/** The lead's starts. One that is here has its values and its basis: a message is taken only after them. */
export function startsOf({ topic, anchors }: Pick<FederationStore, 'topic' | 'anchors'>): readonly Signed<Start>[] {
  return topic(startsTopic).flatMap(({ bytes }) => {
    const start = openStart(bytes, anchors);
    return start.ok ? [start.value] : [];
  });
}

/** Hashes of what lies beside a start's message. */
export function blobsOf({ values, basis }: Start): readonly Uint8Array[] {
  return basis === null ? [values] : [values, basis.values];
}

export async function admitStart(message: Uint8Array, store: FederationStore, blobs: BlobStore): Promise<Admission> {
  const start = openStart(message, store.anchors);
  if (!start.ok) return { ok: false, refusal: start.refusal };
  const { id, body } = start.value;
  const values = startValues(await blobs.read(id, body.values), body);
  if (!values.ok) return { ok: false, refusal: values.refusal };
  if (body.basis !== null) {
    const basis = startBasis(await blobs.read(id, body.basis.values), body);
    if (!basis.ok) return { ok: false, refusal: basis.refusal };
  }
  const known = startsOf(store);
  if (known.some((each) => sameBytes(each.id, id))) return { ok: true };
  if (body.sequence <= (newestStart(known)?.body.sequence ?? 0)) return { ok: false, refusal: 'staleStart' };
  store.post(startsTopic, message);
  return { ok: true };
}
