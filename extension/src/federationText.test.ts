import { expect, it } from 'vitest';
import type { TeamView } from '#protocol/federationViews.ts';
import { consentText, teamLines } from './federationText.ts';

const team: TeamView = {
  folder: 'file:///garden',
  federation: 'ab'.repeat(32),
  coordinator: 'https://argot.example.org',
  baseName: 'SmolLM2-135M',
  minimumCohort: 5,
  privacyMechanisms: ['none', 'client'],
  isLead: false,
  standing: 'Waits until the lead lets you in.',
  joining: [],
  sentBytes: 0,
};

it('says to whom, what, and the least number of members', () => {
  const text = consentText(team);
  for (const part of [
    'https://argot.example.org',
    'SmolLM2-135M',
    'at least 5 members',
    'none, client',
    'never leaves',
  ]) {
    expect(text).toContain(part);
  }
});

it('shows round, phase, time left, what left and the gain', () => {
  const round = { number: 3, phase: 'uploads', deadlineMs: 600_000, uploaded: 2, cohort: 5 } as const;
  const lines = teamLines({ ...team, name: 'Ada', members: 5, round, sentBytes: 1_600_000, gain: 0.0731 }, 0);
  const shown = lines.map(({ label, description }) => `${label}: ${description}`);
  expect(shown).toEqual([
    'Joined as Ada: Waits until the lead lets you in.',
    'Members: 5',
    'Round 3: takes updates, 2 of 5 updates',
    'Time left: 10 min',
    'Left this machine: 2 MB',
    "The team's adapter: 7.3 % less loss on your own held-out code",
  ]);
});
