import { join } from 'node:path';
import { z } from 'zod';
import { hex } from '#protocol/federation/bytes.ts';
import { decodeCanonical, encodeCanonical } from '#protocol/federation/canonical.ts';
import type { MemberMemory, PreparedUpload } from '#protocol/federation/member.ts';
import { sha256 } from '#protocol/federation/signedMessage.ts';
import { claimsIn } from './claims.ts';

/** A member's memory on disk, and what it may forget once a round is over. */
export interface DurableMemory extends MemberMemory {
  /** The payload of a round that is over is needed by nobody; that there was one stays on record. */
  forgetPayload(planId: Uint8Array): Promise<void>;
}

const uploadSchema = z.tuple([z.instanceof(Uint8Array), z.instanceof(Uint8Array)]);

/** In a folder of one federation: docs/protocol.md, “Crashes”. */
export function durableMemory(folder: string): DurableMemory {
  const rounds = claimsIn(join(folder, 'rounds'));
  const uploads = claimsIn(join(folder, 'uploads'));
  const payloads = claimsIn(join(folder, 'payloads'));
  const survivors = claimsIn(join(folder, 'survivors'));

  async function uploadFor(planId: Uint8Array): Promise<PreparedUpload | undefined> {
    const recorded = await uploads.read(hex(planId));
    if (recorded === undefined) return undefined;
    const decoded = decodeCanonical(recorded, uploadSchema);
    if (!decoded.ok) throw new Error(`The record of an upload is damaged (${decoded.refusal}): this round is lost.`);
    const [hash, message] = decoded.value;
    const payload = await payloads.read(hex(hash));
    return { payload: payload ?? new Uint8Array(0), message };
  }

  return {
    async claimRound(claim) {
      const numbers = (await rounds.names()).map(Number).filter(Number.isSafeInteger);
      const highest = Math.max(...numbers, claim.round);
      // Where the plan is the newest, this puts it on record unless another one is.
      const plan = await rounds.claim(String(highest), claim.plan);
      return { round: highest, plan };
    },
    acceptedPlan: (round) => rounds.read(String(round)),
    async claimUpload(planId, upload) {
      // The payload first: a claim without it would be an upload that cannot be sent.
      const hash = sha256(upload.payload);
      await payloads.claim(hex(hash), upload.payload);
      await uploads.claim(hex(planId), encodeCanonical([hash, upload.message]));
      return (await uploadFor(planId)) ?? upload;
    },
    uploadFor,
    claimSurvivors: (round, id) => survivors.claim(String(round), id),
    async forgetPayload(planId) {
      const recorded = await uploads.read(hex(planId));
      const decoded = recorded === undefined ? undefined : decodeCanonical(recorded, uploadSchema);
      if (decoded?.ok === true) await payloads.remove(hex(decoded.value[0]));
    },
  };
}
