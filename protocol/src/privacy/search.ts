const golden = (Math.sqrt(5) - 1) / 2;

/** Where a function that falls and then rises is least, to within `tolerance`; the least of the points it looked at. */
export function minimise(
  f: (x: number) => number,
  low: number,
  high: number,
  tolerance: number,
): { readonly x: number; readonly value: number } {
  let [a, b] = [low, high];
  let [c, d] = [b - golden * (b - a), a + golden * (b - a)];
  let [fc, fd] = [f(c), f(d)];
  while (b - a > tolerance) {
    if (fc <= fd) {
      [b, d, fd] = [d, c, fc];
      c = b - golden * (b - a);
      fc = f(c);
    } else {
      [a, c, fc] = [c, d, fd];
      d = a + golden * (b - a);
      fd = f(d);
    }
  }
  return fc <= fd ? { x: c, value: fc } : { x: d, value: fd };
}

/**
 * The least x in [low, high] at which a monotone condition holds, from above and to within `tolerance`: the condition was
 * seen to hold at the value returned. It must hold at `high`.
 */
export function firstWhere(holds: (x: number) => boolean, low: number, high: number, tolerance: number): number {
  let [a, b] = [low, high];
  while (b - a > tolerance) {
    const middle = (a + b) / 2;
    if (middle <= a || middle >= b) break;
    if (holds(middle)) b = middle;
    else a = middle;
  }
  return b;
}
