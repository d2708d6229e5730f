import type { TeamView } from '#protocol/federationViews.ts';
import { sizeText } from './units.ts';

/** What would leave this machine, exactly, and what would not: shown before anybody joins. */
export function consentText(team: TeamView): string {
  const { coordinator, baseName, minimumCohort, privacyMechanisms } = team;
  return [
    `The team's coordinator: ${coordinator}. Base model: ${baseName}.`,
    '',
    'What would leave this machine, and only to that address:',
    '• the name that you choose, and public keys made for this team;',
    '• in each round, one update: numbers that your machine computes from the examples of this repository, masked so that the coordinator learns nothing but the sum of all members;',
    '• sealed shares of the masks, and your answers when others drop out;',
    '• one vote: whether the new adapter is better on your code;',
    '• when your machine asks for news.',
    '',
    'What never leaves: your code, prompts, completions, paths and repository names.',
    '',
    `A sum is over at least ${minimumCohort} members. Privacy mechanisms that a round may use: ${privacyMechanisms.join(', ')}.`,
    'You can leave at any time; nothing more is sent from then on. What was summed already cannot be taken out of the sum.',
  ].join('\n');
}

/** A line of the Federation view: `now` is what deadlines count from. */
export interface TeamLine {
  readonly label: string;
  readonly description: string;
  readonly icon: string;
}

export function teamLines(team: TeamView, nowMs: number): readonly TeamLine[] {
  const { round, members, gain, name } = team;
  const lines: TeamLine[] = [
    { label: name === undefined ? 'Not joined' : `Joined as ${name}`, description: team.standing, icon: 'person' },
  ];
  if (members !== undefined) lines.push({ label: 'Members', description: String(members), icon: 'organization' });
  if (round !== undefined) {
    const counts = `${round.uploaded} of ${round.cohort} updates`;
    lines.push({ label: `Round ${round.number}`, description: `${phaseText[round.phase]}, ${counts}`, icon: 'sync' });
    if (round.phase === 'uploads') {
      lines.push({ label: 'Time left', description: timeText(round.deadlineMs - nowMs), icon: 'clock' });
    }
  }
  lines.push({ label: 'Left this machine', description: sizeText(team.sentBytes), icon: 'cloud-upload' });
  if (gain !== undefined) {
    const share = `${(gain * 100).toFixed(1)} % less loss on your own held-out code`;
    lines.push({ label: "The team's adapter", description: share, icon: 'graph' });
  }
  return lines;
}

const phaseText = {
  uploads: 'takes updates',
  releases: 'opens masks',
  published: 'published',
  failed: 'ended without a result',
} as const;

function timeText(leftMs: number): string {
  if (leftMs <= 0) return 'ends now';
  const minutes = Math.ceil(leftMs / 60_000);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}
