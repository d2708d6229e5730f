import type { Basis } from '#protocol/federation/basis.ts';
import { honestMembers } from '#protocol/federation/planPrivacy.ts';
import { clientStep } from '#protocol/federation/roundOverlay.ts';
import { noiseFor } from '#protocol/privacy/calibration.ts';
import { expectedMeanNorm, type Forecast, forecastRound } from '../../../language-server/src/federation/forecast.ts';
import { mean, rounded } from '../measure.ts';
import { type Author, type Code, spread } from './corpus.ts';
import { reducedSpace, type Space, wholeSpace } from './space.ts';
import { gaussianRelease, meanOf, mirrored, normOf, parameters, valueParameters, type Which } from './vectors.ts';
import type { Example, Step, Workshop } from './workshop.ts';

export const delta = 1e-5;
const partsPerAuthor = 5;
const testAuthors = 3;
/** In windows of 256 tokens; `testWindows` and `validWindows` of each author that it is tested on. */
export const clientSizes = { windowsPerMember: 10, testWindows: 12, validWindows: 4 } as const;
const { windowsPerMember, testWindows, validWindows } = clientSizes;
/** Of the update's norm, which is 1 for each member. */
const stepLengths = [0.1, 0.25, 0.5, 1, 1.5] as const;
/** The step that changes nothing: where the round begins. */
const stay: Step = { vector: new Float32Array(parameters), length: 1 };
/** Of what ordinary training adds: `valid` chooses. */
export const trainedLengths = [0.5, 1, 2, 4] as const;

/** `public`: an adapter that was trained on public code, an epoch of AdamW, B alone. */
export type StartKind = 'nothing' | 'public';

export interface ClientRow {
  readonly start: StartKind;
  readonly members: number;
  readonly which: Which;
  /** Of each matrix's outputs, found on public code, in which gradients are sent; null: all outputs. */
  readonly directions: number | null;
  readonly epsilon: number | 'none';
  readonly noiseMultiplier: number;
  /** Norm of the mean of what members send, each of norm 1. */
  readonly meanNorm: number;
  /** Norm of the mean's noise over the mean's own. */
  readonly noiseOverSignal: number;
  readonly stepLength: number;
  readonly bitsPerByte: number;
  readonly baseBitsPerByte: number;
  /** All gains are counted from the base model; this one is the start's alone. */
  readonly startGainPercent: number;
  readonly gainPercent: number;
  /** Of the gain without noise, at its own best step. */
  readonly keptPercent: number | null;
  /** Of the gain of the same members' trained team adapter: the mean of what an epoch of AdamW adds to each one's B. */
  readonly keptOfTrainedPercent: number;
  /** The same of what each adds to the start. */
  readonly keptOfAddedPercent: number;
  /** Mean over the authors that it is tested on: each forecasts from its own update on its own `valid` code, and is compared on its own `test`. */
  readonly forecastPercent: number;
  readonly forecastSignRight: boolean;
  readonly forecasts: readonly MemberForecast[];
  /** The same at the step of a plan whose file says nothing, whether or not `valid` would choose it. */
  readonly usualStep: {
    readonly gainPercent: number;
    readonly keptOfTrainedPercent: number;
    readonly keptOfAddedPercent: number;
    readonly forecasts: readonly MemberForecast[];
  };
}

/** In percent of the loss before the round. */
export interface MemberForecast {
  readonly author: string;
  readonly forecastPercent: number;
  /** Standard errors, paired over the windows. */
  readonly forecastError: number;
  readonly outcomePercent: number;
  readonly outcomeError: number;
}

/**
 * Of the settings' forecasts and of the members', those whose sign is the outcome's. `sure` ones alone are two standard errors
 * from nothing, as the member that makes it says; `clear` ones alone have an outcome that is: of the others nobody knows the sign.
 */
export function forecastSigns(settingsForecasts: readonly (readonly MemberForecast[])[]) {
  const settings = settingsForecasts.map((forecasts) => ({
    forecast: meanOfEstimates(forecasts.map(({ forecastPercent, forecastError }) => [forecastPercent, forecastError])),
    outcome: meanOfEstimates(forecasts.map(({ outcomePercent, outcomeError }) => [outcomePercent, outcomeError])),
  }));
  const members = settingsForecasts.flatMap((forecasts) =>
    forecasts.map(
      (each): Pair => ({
        forecast: [each.forecastPercent, each.forecastError],
        outcome: [each.outcomePercent, each.outcomeError],
      }),
    ),
  );
  return { settings: signsOf(settings), members: signsOf(members) };
}

/** A value with its standard error. */
type Estimate = readonly [value: number, error: number];
interface Pair {
  readonly forecast: Estimate;
  readonly outcome: Estimate;
}

function signsOf(pairs: readonly Pair[]) {
  const isClear = ([value, error]: Estimate): boolean => Math.abs(value) > 2 * error;
  const count = (some: readonly Pair[]) => ({
    of: some.length,
    right: some.filter(({ forecast, outcome }) => forecast[0] > 0 === outcome[0] > 0).length,
  });
  return {
    all: count(pairs),
    sure: count(pairs.filter(({ forecast }) => isClear(forecast))),
    clear: count(pairs.filter(({ outcome }) => isClear(outcome))),
  };
}

/** Of independent ones. */
function meanOfEstimates(estimates: readonly Estimate[]): Estimate {
  return [
    mean(estimates.map(([value]) => value)),
    Math.hypot(...estimates.map(([, error]) => error)) / estimates.length,
  ];
}

export interface ClientSettings {
  readonly start: StartKind;
  readonly members: number;
  readonly which: Which;
  /** Undefined: every number of the matrices is sent. */
  readonly basis: Basis | undefined;
  readonly epsilons: readonly number[];
}

export async function memberGradients(code: Code, workshop: Workshop, count: number): Promise<Float32Array[]> {
  return ofEachMember(code, count, (name, examples) => workshop.gradient(name, examples, false));
}

/** Members are parts of authors' packages: the first part of each author, then the second, and so on. */
async function ofEachMember(
  { authors }: Code,
  count: number,
  work: (name: string, examples: readonly Example[]) => Promise<Float32Array>,
): Promise<Float32Array[]> {
  const made: Float32Array[] = [];
  for (let member = 0; member < count; member++) {
    const author = authors[member % authors.length];
    if (author === undefined) continue;
    const part = Math.floor(member / authors.length);
    made.push(await work(`${author.name}-${part}`, partOf(author, part)));
  }
  return made;
}

/** What a member trains on. */
export function partOf({ train }: Author, part: number): readonly Example[] {
  const size = Math.floor(train.length / partsPerAuthor);
  return spread(train.slice(part * size, (part + 1) * size), windowsPerMember);
}

/** The workshop that goes on from there. */
export async function startOf(start: StartKind, { publicWindows }: Code, workshop: Workshop): Promise<Workshop> {
  return start === 'nothing' ? workshop : workshop.from(await workshop.train('public', await publicWindows(), 1));
}

/** One round from where the workshop starts: each member sends one clipped gradient; the noise of all is in the sum. Steps are chosen on `valid`. */
export async function clientLevel(code: Code, workshop: Workshop, settings: ClientSettings): Promise<ClientRow[]> {
  const { members, which, start, basis } = settings;
  const space = basis === undefined ? wholeSpace(which) : reducedSpace(which, basis);
  const sent = (await memberGradients(code, workshop, members)).map((each) => space.sent(each));
  const middle = meanOf(sent);
  const judges = code.authors.slice(0, testAuthors);
  const valid = judges.flatMap(({ valid: windows }) => spread(windows, validWindows));
  const startGain = (await testOn(judges, workshop, [stay])).gainPercent;
  const team = await trainedTeam(code, workshop, members, valid);
  /** A round's gain beside the trained adapter's, and both beside the start's. */
  const beside = (gain: number) => ({
    keptOfTrainedPercent: rounded((100 * gain) / team, 1),
    keptOfAddedPercent: rounded((100 * (gain - startGain)) / (team - startGain), 1),
  });
  const rows: ClientRow[] = [];
  for (const epsilon of ['none', ...settings.epsilons] as const) {
    const multiplier = epsilon === 'none' ? 0 : multiplierFor(epsilon);
    const deviation = meanDeviation(multiplier, members);
    const noisy = space.withNoise(middle, deviation, `${members} ${which} ${epsilon}`);
    const updates = (epsilon === 'none' ? [noisy] : [noisy, mirrored(noisy, middle)]).map(space.update);
    const stepLength = await bestStep(workshop, valid, updates, stepLengths);
    const stepsOf = (length: number) => updates.map((vector): Step => ({ vector, length }));
    const tested = await testOn(judges, workshop, stepsOf(stepLength));
    const forecastsAt = async (length: number): Promise<MemberForecast[]> => {
      const made: MemberForecast[] = [];
      for (const [i, judge] of judges.entries()) {
        const round = { own: sent[i] ?? middle, space, deviation, stepLength: length, settings, epsilon };
        const { netPercent, netError } = await forecastFor(judge, workshop, round);
        const forecast = { forecastPercent: rounded(netPercent, 3), forecastError: rounded(netError, 3) };
        made.push({ author: judge.name, ...forecast, ...(await outcomeFor(judge, workshop, stepsOf(length))) });
      }
      return made;
    };
    const forecasts = await forecastsAt(stepLength);
    const usual = await testOn(judges, workshop, stepsOf(clientStep));
    const forecast = mean(forecasts.map(({ forecastPercent }) => forecastPercent));
    const clean = rows[0]?.gainPercent;
    rows.push({
      ...{ start, members, which, directions: space.directions, epsilon },
      noiseMultiplier: rounded(multiplier, 3),
      meanNorm: rounded(normOf(middle), 3),
      noiseOverSignal: rounded((deviation * Math.sqrt(space.numbers)) / normOf(middle), 1),
      stepLength,
      startGainPercent: startGain,
      ...tested,
      keptPercent: clean === undefined ? null : rounded((100 * tested.gainPercent) / clean, 1),
      ...beside(tested.gainPercent),
      forecastPercent: rounded(forecast, 2),
      forecastSignRight: forecast > 0 === tested.gainPercent > startGain,
      forecasts,
      usualStep: {
        gainPercent: usual.gainPercent,
        ...beside(usual.gainPercent),
        forecasts: await forecastsAt(clientStep),
      },
    });
  }
  return rows;
}

export function multiplierFor(epsilon: number, steps = 1): number {
  const calibration = noiseFor({ epsilon, delta }, (noise) => [gaussianRelease(noise, steps)]);
  if (!calibration.ok) throw new Error(`No noise gives epsilon ${epsilon}.`);
  return calibration.noise;
}

/** Of the mean's noise, where the members who tell nobody their own have all of it between them. */
export function meanDeviation(multiplier: number, members: number): number {
  const memberDeviation = multiplier / Math.sqrt(honestMembers(members));
  return memberDeviation / Math.sqrt(members);
}

/** The gain of the team's adapter without privacy, in percent. */
async function trainedTeam(code: Code, workshop: Workshop, members: number, valid: readonly Example[]) {
  const team = meanOf(await ofEachMember(code, members, (name, examples) => workshop.train(name, examples, 1)));
  const length = await bestStep(workshop, valid, [team], trainedLengths);
  return (await testOn(code.authors.slice(0, testAuthors), workshop, [{ vector: team, length }])).gainPercent;
}

/** The length that `valid` prefers in the mean over the draws. */
export async function bestStep(
  workshop: Workshop,
  valid: readonly Example[],
  draws: readonly Float32Array[],
  lengths: readonly [number, ...number[]],
): Promise<number> {
  const steps = lengths.flatMap((length) => draws.map((vector): Step => ({ vector, length })));
  const [, ...after] = await workshop.losses(valid, steps);
  const losses = lengths.map((_, i) => mean(after.slice(i * draws.length, (i + 1) * draws.length).flat()));
  return lengths[losses.indexOf(Math.min(...losses))] ?? lengths[0];
}

/** Means over the steps. */
async function testOn(judges: readonly Author[], workshop: Workshop, steps: readonly Step[]) {
  const base: number[] = [];
  const after: number[] = [];
  for (const { test, tokensPerByte } of judges) {
    const [before = [], ...then] = await workshop.losses(spread(test, testWindows), steps);
    base.push((mean(before) / Math.LN2) * tokensPerByte);
    after.push((mean(then.flat()) / Math.LN2) * tokensPerByte);
  }
  return {
    bitsPerByte: rounded(mean(after), 4),
    baseBitsPerByte: rounded(mean(base), 4),
    gainPercent: rounded(100 * (1 - mean(after) / mean(base)), 3),
  };
}

/** What the round changed for an author, on the test windows. */
async function outcomeFor({ test }: Author, workshop: Workshop, steps: readonly Step[]) {
  const windows = spread(test, testWindows);
  const [, before = [], ...after] = await workshop.losses(windows, [stay, ...steps]);
  const saved = before.map((loss, i) => loss - mean(after.map((losses) => losses[i] ?? Number.NaN)));
  const middle = mean(saved);
  const deviation = Math.sqrt(mean(saved.map((each) => (each - middle) ** 2)));
  const percent = (nats: number): number => rounded((100 * nats) / mean(before), 3);
  return { outcomePercent: percent(middle), outcomeError: percent(deviation / Math.sqrt(saved.length - 1)) };
}

/** As a member makes it: from its own update, on its own held-out code, with a draw of noise of its own. */
async function forecastFor(
  author: Author,
  workshop: Workshop,
  round: {
    /** What the member sends. */
    readonly own: Float32Array;
    readonly space: Space;
    readonly deviation: number;
    readonly stepLength: number;
    readonly settings: ClientSettings;
    readonly epsilon: number | 'none';
  },
): Promise<Forecast> {
  const { space, deviation, stepLength: length, settings, epsilon } = round;
  const { members, start, which } = settings;
  const meanNorm = expectedMeanNorm(
    members,
    start === 'nothing' ? 'first' : 'later',
    space.directions === null ? 'whole' : 'reduced',
  );
  const own = round.own.map((value) => value * meanNorm);
  const noisy = space.withNoise(own, deviation, `forecast ${author.name} ${members} ${epsilon}`);
  const held = spread(author.valid, testWindows);
  const [, base = [], clean = [], ...draws] = await workshop.losses(held, [
    stay,
    ...[own, noisy, mirrored(noisy, own)].map((sent): Step => ({ vector: space.update(sent), length })),
  ]);
  const terms = {
    mechanism: 'client',
    members,
    epsilon: epsilon === 'none' ? Number.POSITIVE_INFINITY : epsilon,
    parameters: which === 'all' ? parameters : valueParameters,
    valueParameters,
  } as const;
  return forecastRound({ base, clean, noisy: draws }, terms);
}
