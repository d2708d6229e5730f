/**
 * What a round's noise will cost, said before it runs. It is measured, not computed from norms: in a million dimensions
 * noise is almost orthogonal to what an update does, and a ratio of norms says nothing (DESIGN: privacy mechanisms).
 */
export interface ForecastTrials {
  /** Loss of each held-out example with the present adapter, in nats a token. */
  readonly base: readonly number[];
  /** With this member's own clipped update, scaled by `expectedMeanNorm`: the only update that it knows. */
  readonly clean: readonly number[];
  /** The same with noise of the round's deviation added to every value, and with its other sign. */
  readonly noisy: readonly (readonly number[])[];
}

export interface ForecastTerms {
  readonly mechanism: 'none' | 'record' | 'client';
  /** The members that the noise is shared by; 1 where each adds its own in training. */
  readonly members: number;
  readonly epsilon: number;
  /** Values that are trained, and how many of them the value matrices alone are. */
  readonly parameters: number;
  readonly valueParameters: number;
}

export interface Forecast {
  /** In percent of the present loss; positive is better. */
  readonly gainPercent: number;
  readonly costPercent: number;
  readonly netPercent: number;
  /** Standard error of `netPercent`, paired over the held-out examples. */
  readonly netError: number;
  /** Whether `netPercent` is so far from 0 that its sign is no chance: two standard errors. */
  readonly isClear: boolean;
  readonly takesPart: boolean;
  readonly sentence: string;
  /** What would make the net gain positive; empty where it is. */
  readonly help: readonly string[];
}

/** Refuses a round whose expected net gain is not positive; a figure that is none is no gain. */
export function forecastRound(trials: ForecastTrials, terms: ForecastTerms): Forecast {
  const base = mean(trials.base);
  const clean = mean(trials.clean);
  const noisy = trials.noisy.map(mean);
  const gain = (base - clean) / base;
  const cost = (mean(noisy) - clean) / base;
  const net = gain - cost;
  const error = errorOfMean(differences(trials)) / base;
  const isClear = Math.abs(net) > 2 * error;
  const takesPart = net > 0;
  const percent = (share: number): number => share * 100;
  return {
    gainPercent: percent(gain),
    costPercent: percent(cost),
    netPercent: percent(net),
    netError: percent(error),
    isClear,
    takesPart,
    sentence: sentenceOf(percent(gain), percent(cost), takesPart, isClear),
    help: takesPart ? [] : helpFor(gain, cost, terms),
  };
}

/**
 * Mean cosine between what members send of their own code, as `bench -- privacy` found it among ten authors: in a team's first
 * round, where nothing was learnt yet, and later, once all have what is common; of whole gradients, and along a basis.
 */
const meanCosine = { whole: { first: 0.4, later: 0.15 }, reduced: { first: 0.6, later: 0.25 } } as const;

/**
 * Norm of the mean of clipped updates, in clip norms: members agree in part. A member's own update, which stands for the mean in
 * a forecast, is scaled by it: at full length it would overshoot.
 */
export function expectedMeanNorm(
  members: number,
  round: keyof (typeof meanCosine)['whole'],
  update: keyof typeof meanCosine,
): number {
  const cosine = meanCosine[update][round];
  return Math.sqrt(cosine + (1 - cosine) / members);
}

/** What the forecast said beside what came of it, once the round is over. */
export function compareForecast(netPercent: number, before: readonly number[], after: readonly number[]): string {
  const actual = (100 * (mean(before) - mean(after))) / mean(before);
  const signs = actual > 0 === netPercent > 0 ? 'as forecast' : 'against the forecast';
  return `The round changed the loss on your own held-out code by ${signed(-actual)} %, ${signs} of ${signed(-netPercent)} %.`;
}

function sentenceOf(gain: number, cost: number, takesPart: boolean, isClear: boolean): string {
  const weighed = `On your own held-out code the round’s update is worth ${gain.toFixed(2)} %, and its noise costs ${cost.toFixed(2)} %`;
  const doubt = isClear ? '' : ', as far as so few examples can tell';
  return takesPart
    ? `${weighed}: it is worth taking part${doubt}.`
    : `${weighed}: it would make suggestions worse${doubt}, so it is refused.`;
}

/**
 * To second order noise costs the square of its deviation (measured: bench privacy). The deviation falls as members or
 * epsilon rise, and its norm as the root of the parameters.
 */
function helpFor(gain: number, cost: number, terms: ForecastTerms): readonly string[] {
  if (!(gain > 0)) return ['The update itself gains nothing here: more examples, or another step length, come first.'];
  if (terms.mechanism === 'none') return [];
  const share = Math.sqrt(gain / cost);
  const help: string[] = [];
  if (terms.mechanism === 'client')
    help.push(`at least ${Math.ceil(terms.members / share) + 1} members instead of ${terms.members}`);
  const fewer = Math.sqrt(terms.valueParameters / terms.parameters);
  if (fewer < share) help.push('the value matrices alone');
  help.push(`an epsilon of ${((terms.epsilon / share) * 1.05).toPrecision(2)} instead of ${terms.epsilon}`);
  if (terms.mechanism === 'client') help.push('privacy of records instead of members');
  return help;
}

/** Of each example: base minus the mean over the draws. */
function differences({ base, noisy }: ForecastTrials): readonly number[] {
  return base.map((loss, i) => loss - mean(noisy.map((draw) => draw[i] ?? Number.NaN)));
}

function errorOfMean(values: readonly number[]): number {
  const middle = mean(values);
  const variance = values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / Math.max(1, values.length - 1);
  return Math.sqrt(variance / values.length);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function signed(value: number): string {
  return `${value > 0 ? '+' : '−'}${Math.abs(value).toFixed(2)}`;
}
