import type { CheckPolicyResult, PolicyRow } from '#protocol/policy.ts';
import { limitText } from './decisions.ts';
import { fieldNames, fieldSpecs } from './fields.ts';
import { type EffectivePolicy, effectivePolicy, valueFor } from './layers.ts';
import { organisationAnchorSchema, readPolicy, sentenceOf } from './policyDocument.ts';

/** The effective policy as a person reads it. */
export function policyRows(policy: EffectivePolicy): readonly PolicyRow[] {
  return fieldNames.map((field) => {
    const { limit, origins, locked, bound } = valueFor(policy, field);
    const title = fieldSpecs[field].schema.description ?? field;
    return { field, title, value: limitText(limit), origins, locked, bound: limitText(bound) };
  });
}

/** For administrators, before they install a file: what is wrong with it, and what would hold. */
export function checkPolicyText(text: string): CheckPolicyResult {
  const { limits, complaints, rest } = readPolicy(Buffer.from(text), ['organisation']);
  const anchor = organisationAnchorSchema.optional().safeParse(rest.organisation);
  const all = anchor.success ? complaints : [...complaints, `“organisation” ${sentenceOf(anchor.error)}`];
  return { complaints: all, rows: policyRows(effectivePolicy([{ name: 'admin', limits }])) };
}
