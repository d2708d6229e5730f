/** A small seeded generator (mulberry32), so that everything made with it can be made again. In [0, 1). */
export declare function createRandom(seed: number): () => number;
/** A log-normal variate by its median and the standard deviation of its logarithm (Box-Muller). */
export declare function logNormal(random: () => number, median: number, sigma: number): number;
