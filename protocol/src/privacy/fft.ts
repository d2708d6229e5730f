/** A complex vector; both parts have the same length, a power of two. Transforms are in place. */
export interface ComplexVector {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

export function complexVector(length: number): ComplexVector {
  return { re: new Float64Array(length), im: new Float64Array(length) };
}

/** X[k] = Σ x[n] e^(-2πi kn/N): the iterative transform of Cooley and Tukey (1965), radix 2. */
export function forwardTransform({ re, im }: ComplexVector): void {
  const size = re.length;
  if (im.length !== size || size < 1 || 2 ** Math.round(Math.log2(size)) !== size) {
    throw new RangeError(`The length must be a power of two, the same for both parts: ${size}, ${im.length}.`);
  }
  reverseBits(re);
  reverseBits(im);
  // Each from its own angle: a recurrence would lose digits as the size grows.
  const cosines = new Float64Array(size / 2);
  const sines = new Float64Array(size / 2);
  for (let k = 0; k < size / 2; k++) {
    cosines[k] = Math.cos((2 * Math.PI * k) / size);
    sines[k] = -Math.sin((2 * Math.PI * k) / size);
  }
  for (let half = 1; half < size; half *= 2) {
    const stride = size / (2 * half);
    for (let start = 0; start < size; start += 2 * half) {
      for (let k = 0; k < half; k++) {
        const c = cosines[k * stride] ?? 0;
        const s = sines[k * stride] ?? 0;
        const even = start + k;
        const odd = even + half;
        const evenRe = re[even] ?? 0;
        const evenIm = im[even] ?? 0;
        const oddRe = re[odd] ?? 0;
        const oddIm = im[odd] ?? 0;
        const turnedRe = oddRe * c - oddIm * s;
        const turnedIm = oddRe * s + oddIm * c;
        re[even] = evenRe + turnedRe;
        im[even] = evenIm + turnedIm;
        re[odd] = evenRe - turnedRe;
        im[odd] = evenIm - turnedIm;
      }
    }
  }
}

/** The inverse of `forwardTransform`: the same with the parts exchanged, divided by the length. */
export function inverseTransform({ re, im }: ComplexVector): void {
  forwardTransform({ re: im, im: re });
  const size = re.length;
  for (let n = 0; n < size; n++) {
    re[n] = (re[n] ?? 0) / size;
    im[n] = (im[n] ?? 0) / size;
  }
}

function reverseBits(values: Float64Array): void {
  const size = values.length;
  for (let i = 1, j = 0; i < size; i++) {
    let bit = size >> 1;
    while ((j & bit) !== 0) {
      j ^= bit;
      bit >>= 1;
    }
    j ^= bit;
    if (i < j) {
      const kept = values[i] ?? 0;
      values[i] = values[j] ?? 0;
      values[j] = kept;
    }
  }
}
