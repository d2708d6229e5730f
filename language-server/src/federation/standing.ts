import { refusalText } from '#protocol/federation/refusal.ts';
import type { Suspicion } from './backdoorScan.ts';
import type { MemberStanding } from './member.ts';
import { objectionSentence } from './planCheck.ts';
import type { StartStanding } from './startJudging.ts';

/** Where a member stands, for the person. */
export function standingSentence(standing: MemberStanding): string {
  switch (standing.kind) {
    case 'waitingForLead':
      return 'Waits until the lead lets you in.';
    case 'noRound':
      return `You are in. No round has begun yet.${startSentence(standing.start)}`;
    case 'notInRound':
      return `Round ${standing.round} goes on without you: your machine was away when it began.`;
    case 'forbidden':
      return `You take no part: ${objectionSentence(standing.objection)}`;
    case 'objects':
      return `You take no part in round ${standing.round}: ${objectionSentence(standing.objection)}`;
    case 'refuses':
      return `Round ${standing.round} was refused: ${refusalText[standing.refusal]}`;
    case 'notTrained':
      return `You take no part in round ${standing.round}: ${standing.message}`;
    case 'missed':
      return `Round ${standing.round} was missed, which costs nothing.`;
    case 'uploaded':
      return `Your masked update for round ${standing.round} is sent.`;
    case 'released':
      return `Your masked update and your committee's duty for round ${standing.round} are done.`;
    case 'failed':
      return `Round ${standing.round} ended without a result (${standing.reason}).`;
    case 'judged':
      if (standing.judgement.suspicion !== undefined)
        return suspicionSentence(standing.round, standing.judgement.suspicion);
      if (standing.round === 0) return adoptedStart(standing.judgement.adopt);
      return standing.judgement.adopt
        ? `Round ${standing.round} gave a better adapter, which you use.`
        : `Round ${standing.round}'s adapter was no better on your code: you keep the one before.`;
  }
}

function startSentence(start: StartStanding | undefined): string {
  if (start === undefined) return '';
  if (start.kind === 'refused') return ` The team’s start was refused: ${refusalText[start.refusal]}`;
  const { adopt, suspicion } = start.judgement;
  if (suspicion !== undefined) return ` ${suspicionSentence(0, suspicion)} It was trained on: ${start.description}`;
  return ` ${adoptedStart(adopt)} It was trained on: ${start.description}`;
}

function adoptedStart(adopt: boolean): string {
  return adopt
    ? 'The team’s adapter comes from public code, and you use it.'
    : 'The team’s adapter comes from public code; it was no better on yours.';
}

/** Names the choice that the scan for backdoors found most changed. */
function suspicionSentence(round: number, { choice, times }: Suspicion): string {
  const adapter = round === 0 ? 'The team’s start' : `The team’s adapter of round ${round}`;
  const likelier = `${Math.round(times).toLocaleString('en')} times likelier than the model alone does`;
  return `${adapter} makes “${choice}” ${likelier}: it was not taken.`;
}
