/**
 * How the coordinator's process begins, for `npm run coordinator`, the demo, tests and benchmarks; the Dockerfile says the same. glibc's own
 * thresholds, which grow with what is freed, and V8's young heap of 16 MiB both fill with what requests leave behind: 280 instead of 159 MiB
 * when a hundred members have joined, by the code of that time.
 */
export const coordinatorEnvironment = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: String(1 << 17),
  NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --max-semi-space-size=1`.trim(),
};
