/**
 * How the coordinator's process begins, for `npm run coordinator`, the demo, tests and benchmarks; the Dockerfile says the same. By glibc's own
 * thresholds, which grow with what is freed, it stands at 309 MiB when a hundred members have joined, instead of at 254.
 */
export const coordinatorEnvironment = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: String(1 << 17) };
