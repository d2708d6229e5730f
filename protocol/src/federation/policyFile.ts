import { z } from 'zod';

/** Of the organisation's signed policy, as it lies on the topic `policy`: docs/protocol.md, “Organisation policy”. */
export const mostPolicyBytes = 65_536;

const envelopeSchema = z.strictObject({ signed: z.base64(), signature: z.base64() });
const versionSchema = z.object({ version: z.int().gte(0) });

/** The version that a file claims, unproven; undefined where it is no signed policy in form. */
export function claimedPolicyVersion(file: Uint8Array): number | undefined {
  if (file.length > mostPolicyBytes) return undefined;
  const envelope = envelopeSchema.safeParse(jsonOf(file));
  if (!envelope.success) return undefined;
  return versionSchema.safeParse(jsonOf(Buffer.from(envelope.data.signed, 'base64'))).data?.version;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
