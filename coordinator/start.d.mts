/**
 * How the coordinator's process begins, for `npm run coordinator`, the demo, tests and benchmarks; the Dockerfile says the same. glibc's own
 * thresholds grow with what is freed: it would keep about 2 MiB for each member who joined.
 */
export declare const coordinatorEnvironment: {
  MALLOC_ARENA_MAX: string;
  MALLOC_MMAP_THRESHOLD_: string;
};
