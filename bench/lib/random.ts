export { seededRandom as createRandom } from '../../language-server/src/learning/seededRandom.ts';

/** A log-normal variate by its median and the standard deviation of its logarithm (Box-Muller). */
export function logNormal(random: () => number, median: number, sigma: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random()));
  return median * Math.exp(sigma * radius * Math.cos(2 * Math.PI * random()));
}
