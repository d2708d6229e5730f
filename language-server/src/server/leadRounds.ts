import { fileURLToPath } from 'node:url';
import { fromHex } from '#protocol/federation/bytes.ts';
import { newestBasis } from '#protocol/federation/planBasis.ts';
import { roundFilePath } from '#protocol/federation/roundDefaults.ts';
import type { FederationOutcome, LeadAction } from '#protocol/federationViews.ts';
import { updateLengthFor } from '../federation/adapterLength.ts';
import type { Enrolment } from '../federation/enrolment.ts';
import type { Lead } from '../federation/lead.ts';
import { settingsRefusal } from '../federation/planCheck.ts';
import { wantedRound } from '../federation/roundFile.ts';
import { refusalSentence } from '../policy/decisions.ts';
import type { OpenedFederation } from './openFederation.ts';

export interface LeadRoundDeps {
  readonly opened: Pick<OpenedFederation, 'base' | 'policy'>;
  readonly enrolment: Enrolment;
  readonly lead: Pick<Lead, 'membership' | 'starts' | 'command'>;
}

/** The lead's word that a round begins, or that rounds begin by themselves, with the settings that the repository's file asks for. */
export async function beginRounds(
  { opened, enrolment, lead }: LeadRoundDeps,
  action: Extract<LeadAction, { do: 'start' | 'schedule' }>,
  signal: AbortSignal,
): Promise<FederationOutcome> {
  const { adapter, minimums } = enrolment;
  const base = await opened.base();
  const length = base && updateLengthFor(base.gguf, adapter);
  if (base === undefined || length === undefined || base.sha256 !== enrolment.base.sha256) {
    return { ok: false, message: `Choose the team’s base model first: ${enrolment.base.name}.` };
  }
  const members = (await lead.membership(signal)).roster?.body.members.length ?? 0;
  const { metadata, architecture } = base.gguf;
  const context = Number(metadata.get(`${architecture}.context_length`) ?? Number.POSITIVE_INFINITY);
  const shape = { base: fromHex(base.sha256), adapter, length };
  const basis = newestBasis(await lead.starts(signal), shape);
  const team = { base: base.sha256, adapter, length, basis, members, context, minimums };
  const wanted = await wantedRound(fileURLToPath(action.folder), team, signal);
  if (!wanted.ok) return wanted;
  const { settings, hasFile } = wanted;
  if (action.do === 'start') await lead.command({ do: 'start', settings }, signal);
  else await lead.command({ do: 'schedule', settings, everyMs: action.everyMs }, signal);
  const refusal = settingsRefusal(settings, members, { policy: opened.policy, enrolment });
  const sentences = [
    action.do === 'start'
      ? 'The round has begun.'
      : 'Rounds begin by themselves from now on, the first at once if enough members are there.',
    ...(hasFile ? [`Settings: ${roundFilePath}.`] : []),
    ...(refusal === undefined ? [] : [`This machine takes no part with them: ${refusalSentence(refusal)}`]),
  ];
  return { ok: true, message: sentences.join(' ') };
}
