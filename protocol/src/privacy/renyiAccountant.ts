import type { Release } from './mechanism.ts';
import { type RenyiCurve, renyiCurve } from './renyi.ts';

/** Tenths where the optimum of long trainings lies, whole orders above, and a few large ones for tiny budgets. */
export const renyiOrders: readonly number[] = [
  ...Array.from({ length: 99 }, (_, i) => (i + 11) / 10),
  ...Array.from({ length: 54 }, (_, i) => i + 11),
  128,
  256,
  512,
  1024,
];

/** Divergences add under adaptive composition (Mironov 2017, Proposition 1). */
export function composedCurve(releases: readonly Release[]): RenyiCurve {
  const curves = releases.map(({ mechanism, steps }) => ({ curve: renyiCurve(mechanism), steps }));
  return (order) => curves.reduce((sum, { curve, steps }) => sum + steps * curve(order), 0);
}

export interface RenyiEpsilon {
  readonly epsilon: number;
  /** The order that gave it. */
  readonly order: number;
}

/** The least epsilon over the orders. Canonne, Kamath, Steinke 2020 (arXiv 2004.00010), Proposition 12. */
export function renyiEpsilon(curve: RenyiCurve, delta: number, orders = renyiOrders): RenyiEpsilon {
  let best: RenyiEpsilon = { epsilon: Number.POSITIVE_INFINITY, order: orders[0] ?? Number.NaN };
  for (const order of orders) {
    const divergence = curve(order);
    const epsilon = divergence + Math.log1p(-1 / order) - (Math.log(delta) + Math.log(order)) / (order - 1);
    if (epsilon < best.epsilon) best = { epsilon: Math.max(0, epsilon), order };
    // At 0 no order can do better.
    if (best.epsilon === 0) break;
  }
  return best;
}

/** The least delta at which `epsilon` holds: the same proposition solved for delta; never above 1. */
export function renyiDelta(curve: RenyiCurve, epsilon: number, orders = renyiOrders): number {
  let logDelta = 0;
  for (const order of orders) {
    const divergence = curve(order);
    logDelta = Math.min(
      logDelta,
      (order - 1) * (divergence - epsilon + Math.log1p(-1 / order)) - Math.log(order),
      // Total variation is bounded by Hellinger's distance and that by the divergence (Bretagnolle, Huber 1979).
      0.5 * Math.log(-Math.expm1(-divergence)),
    );
  }
  return Math.exp(logDelta);
}
