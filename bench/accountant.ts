// npm run bench -- accountant [--json] --mechanism KIND … --steps T --delta D
// What a number of releases cost, by both accountants: docs/privacy.md. It needs no model.
import { parseArgs } from 'node:util';
import { privacySpent } from '#protocol/privacy/accountant.ts';
import { type Release, releaseSchema } from '#protocol/privacy/mechanism.ts';
import { runBenchmark } from './lib/main.ts';

/** The options of each mechanism, beside the sampling rate --q, and the fields that they set. */
const parameters: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  gaussian: { sigma: 'noiseMultiplier' },
  discreteGaussian: { sigma: 'sigma', shift: 'shift' },
  discreteGaussianVector: { sigma: 'sigma', l2: 'l2Sensitivity' },
  skellam: { variance: 'variance', shift: 'shift' },
  skellamVector: { variance: 'variance', l1: 'l1Sensitivity', l2: 'l2Sensitivity' },
};

await runBenchmark(async () => {
  const { json, release, delta } = readOptions();
  const { epsilon, method, epsilonRdp, order, epsilonPld } = privacySpent([release], delta);
  if (json) return console.log(JSON.stringify({ epsilonRdp, epsilonPld: epsilonPld ?? null, order, epsilon, method }));
  console.log(`epsilon ${epsilon} at delta ${delta}, by ${method.toUpperCase()}`);
  console.log(`  Rényi divergence, order ${order}: ${epsilonRdp}`);
  console.log(`  privacy loss distribution: ${epsilonPld ?? 'not known for a vector on the integers'}`);
});

function readOptions(): { readonly json: boolean; readonly release: Release; readonly delta: number } {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      mechanism: { type: 'string', default: 'gaussian' },
      q: { type: 'string', default: '1' },
      steps: { type: 'string', default: '1' },
      delta: text,
      sigma: text,
      variance: text,
      shift: text,
      l1: text,
      l2: text,
    },
  });
  const fields = parameters[values.mechanism];
  if (fields === undefined) throw new Error(`--mechanism is one of: ${Object.keys(parameters).join(', ')}.`);
  const numberOf = (option: string, given: string | undefined): number => {
    const number = given === undefined || given.trim() === '' ? Number.NaN : Number(given);
    if (Number.isNaN(number)) throw new Error(`--${option} needs a number, as in “--${option} ${example(option)}”.`);
    return number;
  };
  const given: Readonly<Record<string, unknown>> = values;
  const mechanism: Record<string, unknown> = { kind: values.mechanism, samplingRate: numberOf('q', values.q) };
  for (const option of ['sigma', 'variance', 'shift', 'l1', 'l2'] as const) {
    const field = fields[option];
    if (field !== undefined) mechanism[field] = numberOf(option, values[option]);
    else if (given[option] !== undefined) throw new Error(`--${option} does not belong to ${values.mechanism}.`);
  }
  const delta = numberOf('delta', values.delta);
  if (!(delta > 0 && delta < 1)) throw new Error(`--delta lies between 0 and 1: ${delta}.`);
  const release = releaseSchema.safeParse({ mechanism, steps: numberOf('steps', values.steps) });
  if (!release.success) {
    const issue = release.error.issues[0];
    throw new Error(`${issue?.path.join('.') ?? 'The mechanism'}: ${issue?.message ?? 'out of range'}.`);
  }
  return { json: values.json, release: release.data, delta };
}

function example(option: string): string {
  return option === 'delta' ? '1e-5' : option === 'steps' ? '10000' : '1.1';
}
