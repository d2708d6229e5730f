import type { ContinuousPair, LossPair } from './lossPair.ts';

/**
 * A privacy loss distribution on a grid: `mass[i]` at the loss `(lowest + i) × step`, and `infinite` where the loss is
 * taken as infinite. It is never better than the pair it was made from.
 */
export interface LossDistribution {
  readonly step: number;
  readonly lowest: number;
  readonly mass: Float64Array;
  readonly infinite: number;
}

/**
 * Doroshenko, Ghazi, Kamath, Kumar, Manurangsi 2022 (arXiv 2207.04380), "Connect the Dots", Section 3: what lies between two grid points is
 * moved to them so that its mass under P and under Q stays. The curve of delta over e^epsilon is then exact at the grid
 * points and a chord between them; it is convex, so the chord lies above it.
 */
export function discretise(pair: LossPair, step: number): LossDistribution {
  return pair.kind === 'continuous' ? fromDensity(pair, step) : fromAtoms(pair.mass, pair.loss, pair.beyond, step);
}

/** Standard deviation of the loss under P, in nats, to a few per cent: it only sets the grid. */
export function lossSpread(pair: LossPair): number {
  let [total, first, second] = [0, 0, 0];
  const add = (mass: number, loss: number): void => {
    total += mass;
    first += mass * loss;
    second += mass * loss * loss;
  };
  if (pair.kind === 'discrete') pair.mass.forEach((mass, i) => void add(mass, pair.loss[i] ?? 0));
  else {
    const points = Math.ceil((pair.high - pair.low) / pair.panel);
    const width = (pair.high - pair.low) / points;
    for (let i = 0; i < points; i++) {
      const x = pair.low + (i + 0.5) * width;
      add(pair.density(x) * width, pair.loss(x));
    }
  }
  return Math.sqrt(Math.max(0, second / total - (first / total) ** 2));
}

/** Of the mass with loss l between the grid points i and i + 1, the share that goes to i + 1. */
function upperShare(i: number, l: number, step: number): number {
  return Math.min(1, Math.max(0, Math.expm1(i * step - l) / Math.expm1(-step)));
}

function fromAtoms(masses: Float64Array, losses: Float64Array, beyond: number, step: number): LossDistribution {
  const lowest = Math.floor((losses[0] ?? 0) / step);
  const highest = Math.floor((losses[losses.length - 1] ?? 0) / step) + 1;
  const mass = new Float64Array(highest - lowest + 1);
  for (let k = 0; k < masses.length; k++) {
    const l = losses[k] ?? 0;
    const i = Math.floor(l / step);
    split(mass, i - lowest, masses[k] ?? 0, (masses[k] ?? 0) * upperShare(i, l, step));
  }
  return { step, lowest, mass, infinite: beyond };
}

function fromDensity(pair: ContinuousPair, step: number): LossDistribution {
  const lowest = Math.floor(pair.loss(pair.low) / step);
  const highest = Math.floor(pair.loss(pair.high) / step) + 1;
  const mass = new Float64Array(highest - lowest + 1);
  let from = pair.low;
  for (let i = lowest; i < highest; i++) {
    const end = i === highest - 1 ? pair.high : pair.placeOf((i + 1) * step);
    const to = Math.min(pair.high, Math.max(from, end));
    const panels = Math.ceil((to - from) / pair.panel);
    for (let panel = 0; panel < panels; panel++) {
      const half = (to - from) / panels / 2;
      const centre = from + (2 * panel + 1) * half;
      let [all, upper] = [0, 0];
      for (const [node, weight] of gaussLegendre) {
        const x = centre + node * half;
        const part = weight * half * pair.density(x);
        all += part;
        upper += part * upperShare(i, pair.loss(x), step);
      }
      split(mass, i - lowest, all, upper);
    }
    from = to;
  }
  // The lower tail, moved up to the lowest loss that was looked at; the upper tail counts as a certain loss.
  mass[1] = (mass[1] ?? 0) + pair.beyond;
  return { step, lowest, mass, infinite: pair.beyond };
}

function split(mass: Float64Array, at: number, all: number, upper: number): void {
  mass[at] = (mass[at] ?? 0) + (all - upper);
  mass[at + 1] = (mass[at + 1] ?? 0) + upper;
}

/** Nodes and weights of five points on [-1, 1] (Abramowitz, Stegun, table 25.4). */
const outer = Math.sqrt(5 + 2 * Math.sqrt(10 / 7)) / 3;
const inner = Math.sqrt(5 - 2 * Math.sqrt(10 / 7)) / 3;
const outerWeight = (322 - 13 * Math.sqrt(70)) / 900;
const innerWeight = (322 + 13 * Math.sqrt(70)) / 900;
const gaussLegendre = [
  [-outer, outerWeight],
  [-inner, innerWeight],
  [0, 128 / 225],
  [inner, innerWeight],
  [outer, outerWeight],
] as const;
