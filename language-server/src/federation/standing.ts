import { refusalText } from '#protocol/federation/refusal.ts';
import type { MemberStanding } from './member.ts';
import { objectionSentence } from './planCheck.ts';

/** Where a member stands, for the person. */
export function standingSentence(standing: MemberStanding): string {
  switch (standing.kind) {
    case 'waitingForLead':
      return 'Waits until the lead lets you in.';
    case 'noRound':
      return 'You are in. No round has begun yet.';
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
      return standing.judgement.adopt
        ? `Round ${standing.round} gave a better adapter, which you use.`
        : `Round ${standing.round}'s adapter was no better on your code: you keep the one before.`;
  }
}
