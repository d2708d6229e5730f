/**
 * How the coordinator's process begins, for `npm run coordinator`, the demo, tests and benchmarks; the Dockerfile says the same. By glibc's own
 * thresholds, which grow with what is freed, and V8's young heap of 16 MiB, both of which fill with what requests leave behind, it stands
 * at 159 MiB when a hundred members have joined, instead of at 280. What lives in its heap is 32 MB, with sixty of them too.
 */
export const coordinatorEnvironment = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: String(1 << 17),
  NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --max-semi-space-size=1`.trim(),
};
