import { noiseByRdp } from '../privacy/calibration.ts';
import { maxMembers, type RoundSettings } from './messages.ts';
import type { UsableBasis } from './planBasis.ts';
import { honestMembers, planPrivacy, sensitivities } from './planPrivacy.ts';
import { largestLevel } from './quantiser.ts';
import { modulusBits } from './ring.ts';
import { roundDefaults } from './roundDefaults.ts';
import { aboutField, type RoundFile } from './roundFile.ts';
import { defaultRoundSettings, defaultTraining, settingsFromFile, type UpdateShape } from './roundSettings.ts';
import { noiseVariance, sumBound } from './sumBound.ts';

/** What a round's settings follow from beside the file. */
export interface RoundTeam extends UpdateShape {
  /** In the team now, the lead among them. */
  readonly members: number;
  /** Tokens that the base model can read at once. */
  readonly context: number;
  /** Of the team's newest start, where it has one: `newestBasis`. */
  readonly basis?: UsableBasis | undefined;
  /** Of the enrolment: members refuse less. */
  readonly minimums: {
    readonly minimumCohort: number;
    readonly privacyMechanisms: readonly RoundSettings['privacy']['mechanism'][];
  };
}

export type SettingsOutcome =
  | { readonly ok: true; readonly settings: RoundSettings }
  /** A sentence that begins with the field and says what is allowed. */
  | { readonly ok: false; readonly complaint: string };

type Draft = Omit<RoundSettings, 'privacy'>;

/** The file over the defaults, with the noise that its epsilon asks for. */
export function settingsOf(file: RoundFile, team: RoundTeam): SettingsOutcome {
  const { minimums, members, context } = team;
  const { mechanism } = file.privacy;
  if (!minimums.privacyMechanisms.includes(mechanism)) {
    return wrong('privacy.mechanism', `must be one that the enrolment names: ${minimums.privacyMechanisms.join(', ')}`);
  }
  const minimumCohort = file.minimumCohort ?? defaultCohort(mechanism, team);
  if (minimumCohort < minimums.minimumCohort) {
    return wrong('minimumCohort', `must be at least ${minimums.minimumCohort}, as the enrolment says`);
  }
  if (mechanism !== 'none' && file.maxWeight !== undefined && file.maxWeight !== 1) {
    return wrong('maxWeight', `must be 1 under “${mechanism}”: weights travel without noise`);
  }
  if (file.training.sequence > context) {
    return wrong('training.sequence', `must be at most ${context}, which is the model’s context`);
  }
  const defaults = settingsFromFile(defaultRoundSettings(team, trainingOf(file, team)));
  const draft: Draft = {
    ...defaults,
    clipNorm: file.clipNorm ?? (mechanism === 'client' ? clientStep : defaults.clipNorm),
    maxWeight: mechanism === 'none' ? (file.maxWeight ?? defaults.maxWeight) : 1,
    minimumCohort,
    durationMs: file.durationMs,
    seenWithinMs: file.seenWithinMs,
  };
  switch (file.privacy.mechanism) {
    case 'none':
      return {
        ok: true,
        settings: { ...withQuantiser(draft, file, defaults.quantiser), privacy: { mechanism: 'none' } },
      };
    case 'record':
      return recordLevel(file, team, draft, file.privacy);
    case 'client': {
      const { basis, length } = sentBy(file.privacy, team);
      const bits = file.quantiser.bits ?? clientBits;
      const range = (largestLevel(bits) * draft.clipNorm) / (levelsPerClip * Math.sqrt(length));
      const quantiser = { bits, laneBits: mostLaneBits, segments: [{ length, range }] };
      const most = Math.max(members, minimumCohort);
      return clientLevel(
        withQuantiser({ ...draft, basis }, file, quantiser),
        file.privacy,
        file.quantiser.laneBits,
        most,
      );
    }
  }
}

/** Near what `bench -- privacy` finds best for ten to twenty members at epsilon 8: a member sends a direction alone. */
export const clientStep = 1;
/** Levels of the clip norm over √length: rounding lengthens what is sent, and so the noise, by 3 %. */
const levelsPerClip = 2;
/** Next to the noise, finer levels add nothing to the bits on the wire. */
const clientBits = 10;
const mostLaneBits = 32;

/** Noise for more members is less noise of each; a third may be away or drop out. */
function defaultCohort(mechanism: RoundFile['privacy']['mechanism'], { members, minimums }: RoundTeam): number {
  return mechanism === 'client' ? Math.max(minimums.minimumCohort, honestMembers(members)) : minimums.minimumCohort;
}

function withQuantiser(draft: Draft, { quantiser }: RoundFile, defaults: RoundSettings['quantiser']): Draft {
  const { bits = defaults.bits, laneBits = defaults.laneBits, range } = quantiser;
  const segments = defaults.segments.map((each) => ({ ...each, range: range ?? each.range }));
  return { ...draft, quantiser: { bits, laneBits, segments } };
}

/** What the file leaves out follows from the adapter and the mechanism. */
function trainingOf({ training, privacy }: RoundFile, { adapter }: RoundTeam): RoundSettings['training'] {
  const { steps, learningRate } = privacy.mechanism === 'record' ? roundDefaults.record : defaultTraining(adapter);
  return { ...training, steps: training.steps ?? steps, learningRate: training.learningRate ?? learningRate };
}

/** What the numbers of an update are: along the team's basis, where it has one and the file does not say no. */
function sentBy(asked: { readonly basis: boolean }, { basis, length }: RoundTeam) {
  const used = asked.basis ? basis : undefined;
  return { basis: used?.start ?? null, length: used?.length ?? length };
}

/** Members with so many records send their noise whole, four deviations of it; of those with fewer some is cut. */
const recordsInRange = 25;

function recordLevel(
  file: RoundFile,
  team: RoundTeam,
  draft: Draft,
  asked: Extract<RoundFile['privacy'], { mechanism: 'record' }>,
): SettingsOutcome {
  const { steps, learningRate } = draft.training;
  const { clip, delta, sampleRate = 1 / steps } = asked;
  const { basis, length } = sentBy(asked, team);
  const outcome = withNoise({ ...draft, basis }, asked, (noiseMultiplier) => ({
    mechanism: 'record',
    ...{ clip, noiseMultiplier, sampleRate, delta },
  }));
  if (!outcome.ok || outcome.settings.privacy.mechanism !== 'record') return outcome;
  const { privacy, ...settings } = outcome.settings;
  const deviation = (privacy.noiseMultiplier * learningRate * Math.sqrt(steps)) / (sampleRate * recordsInRange);
  const range = 4 * deviation;
  const quantiser = { ...roundDefaults.quantiser.b, segments: [{ length, range }] };
  const drawn = withQuantiser(settings, file, quantiser);
  // Nothing is shortened but what is out of range: most of an update's norm is its noise.
  const clipNorm = file.clipNorm ?? euclideanNormOf(drawn.quantiser.segments);
  return { ok: true, settings: { ...drawn, clipNorm, privacy } };
}

/** Of an update that is as long as its segments allow. */
function euclideanNormOf(segments: RoundSettings['quantiser']['segments']): number {
  return Math.hypot(...segments.map(({ length, range }) => range * Math.sqrt(length)));
}

/** `givenLaneBits`: where the file has them. `members`: in the sum at the most, as far as is known now. */
function clientLevel(
  draft: Draft,
  asked: Extract<RoundFile['privacy'], { mechanism: 'client' }>,
  givenLaneBits: number | undefined,
  members: number,
): SettingsOutcome {
  const { l2Sensitivity } = sensitivities(draft);
  const outcome = withNoise(draft, asked, (noise) => ({
    mechanism: 'client',
    memberVariance: (noise * l2Sensitivity) ** 2 / honestMembers(draft.minimumCohort),
    delta: asked.delta,
  }));
  if (!outcome.ok) return outcome;
  const variance = noiseVariance(outcome.settings.privacy);
  const { bits } = draft.quantiser;
  const needed = modulusBits(sumBound(members, bits, variance));
  if (needed > mostLaneBits) return wrong('privacy.epsilon', 'must be larger: no sum has room for so much noise');
  // The noise counts in levels: with fewer bits it would drown what is sent.
  if (givenLaneBits !== undefined && givenLaneBits < needed) {
    return wrong('quantiser.laneBits', `must be at least ${needed}, or left out: less has no room for the noise`);
  }
  const laneBits = givenLaneBits ?? Math.min(mostLaneBits, modulusBits(sumBound(maxMembers, bits, variance)));
  return { ok: true, settings: { ...outcome.settings, quantiser: { ...draft.quantiser, laneBits } } };
}

/** By the very account that members judge the plan by. */
function withNoise(
  draft: Draft,
  target: { readonly epsilon: number; readonly delta: number },
  privacyAt: (noise: number) => RoundSettings['privacy'],
): SettingsOutcome {
  const noise = noiseByRdp(target, (each) => {
    const cost = planPrivacy({ ...draft, privacy: privacyAt(each) });
    return cost === undefined ? [] : [cost.release];
  });
  if (noise === undefined) return wrong('privacy.epsilon', 'must be larger: no noise gives so little');
  return { ok: true, settings: { ...draft, privacy: privacyAt(noise) } };
}

function wrong(field: string, what: string): SettingsOutcome {
  return { ok: false, complaint: aboutField(field.split('.'), what) };
}
