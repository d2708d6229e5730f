import { fromHex, hex } from '#protocol/federation/bytes.ts';
import type { Refusal } from '#protocol/federation/refusal.ts';
import { newestStart } from '#protocol/federation/start.ts';
import type { Judgement } from './adoption.ts';
import type { FederationLog } from './federationLog.ts';
import { newestPublished, tryAdapter } from './judging.ts';
import type { MemberContext } from './member.ts';

/** What this member makes of the lead's start. */
export type StartStanding =
  | { readonly kind: 'judged'; readonly description: string; readonly judgement: Judgement }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * Until a round is published, the lead's newest start is the team's adapter: checked and tried once, as round 0 and without a
 * vote. Undefined where there is none, or it can't be tried now.
 */
export async function judgeStart(
  context: MemberContext,
  log: FederationLog,
  signal: AbortSignal,
): Promise<StartStanding | undefined> {
  const { adoption, chain, enrolment, trainer } = context;
  if (log.starts.length === 0 || (await newestPublished(context.board, log, signal)) !== undefined) return undefined;
  const { adapter, base } = enrolment;
  const shape = { base: fromHex(base.sha256), adapter, length: trainer.updateLength(adapter) };
  const start = newestStart(log.starts, shape) ?? newestStart(log.starts);
  if (start === undefined) return undefined;
  if (trainer.baseSha256 !== base.sha256) return { kind: 'refused', refusal: 'startBase' };
  const result = hex(start.id);
  const { description } = start.body;
  const state = await adoption.read();
  const before = state.judged.find((each) => each.result === result);
  if (before !== undefined) return { kind: 'judged', description, judgement: before };
  const total = await chain.totalOf(start, shape, signal);
  if (!total.ok) return { kind: 'refused', refusal: total.refusal };
  const trial = await tryAdapter(context, result, adapter, total.value, signal);
  if (trial === undefined) return undefined;
  const judgement: Judgement = { result, round: 0, plan: '', atMs: Date.now(), voted: true, ...trial };
  const { active, previous } = trial.adopt ? { active: result, previous: state.active } : state;
  await adoption.write({ ...state, active, previous, judged: [...state.judged, judgement] });
  return { kind: 'judged', description, judgement };
}
