/** Sums of numbers that are given and returned as natural logarithms: probabilities here go down to e^-1000 and below. */

export function logAddExp(a: number, b: number): number {
  const high = Math.max(a, b);
  return high === Number.NEGATIVE_INFINITY ? high : high + Math.log1p(Math.exp(Math.min(a, b) - high));
}

export function logSumExp(logs: ArrayLike<number>): number {
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logs.length; i++) high = Math.max(high, logs[i] ?? high);
  if (!Number.isFinite(high)) return high;
  let sum = 0;
  for (let i = 0; i < logs.length; i++) sum += Math.exp((logs[i] ?? Number.NEGATIVE_INFINITY) - high);
  return high + Math.log(sum);
}

/** log(e^x - 1) for x ≥ 0. */
export function logExpm1(x: number): number {
  return x > 40 ? x : Math.log(Math.expm1(x));
}

/** log(1 + e^x). */
export function log1pExp(x: number): number {
  return x > 40 ? x : Math.log1p(Math.exp(x));
}

/** log(n choose k) for k = 0 … n. */
export function logBinomials(n: number): Float64Array {
  const logs = new Float64Array(n + 1);
  for (let k = 1; k <= n; k++) logs[k] = (logs[k - 1] ?? 0) + Math.log(n - k + 1) - Math.log(k);
  return logs;
}

/** log(1 - q + q e^x): the log likelihood ratio under sampling, from that without. */
export function logMixture(q: number, x: number): number {
  if (q === 1) return x;
  return x > 40 ? x + Math.log(q) + Math.log1p(((1 - q) / q) * Math.exp(-x)) : Math.log1p(q * Math.expm1(x));
}

/**
 * log(e^(αl) - 1 - α(e^l - 1)) for α > 1. Its mean over a distribution Q, where l is the log likelihood ratio of P to Q,
 * is E[(P/Q)^α] - 1, since the last term's mean is 0; every summand is positive, so that nothing cancels even where
 * the divergence is 1e-10.
 */
export function logExcess(order: number, l: number): number {
  if (order * Math.abs(l) < 0.02) {
    let sum = 0;
    let power = l;
    let orderPower = order;
    for (let n = 2; n <= 9; n++) {
      power *= l / n;
      orderPower *= order;
      sum += (orderPower - order) * power;
    }
    return sum > 0 ? Math.log(sum) : Number.NEGATIVE_INFINITY;
  }
  if (order * l > 40) {
    return order * l + Math.log1p((order - 1) * Math.exp(-order * l) - order * Math.exp(-(order - 1) * l));
  }
  return Math.log(Math.max(0, Math.expm1(order * l) - order * Math.expm1(l)));
}
