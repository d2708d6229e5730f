/**
 * Runs a benchmark until it is done or Ctrl+C is pressed; what goes wrong is one sentence on stderr. Processes and folders
 * that the benchmark holds by `await using` are gone when this returns.
 */
export async function runBenchmark(benchmark: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stopping = new AbortController();
  process.once('SIGINT', () => stopping.abort(new Error('Stopped.')));
  try {
    await benchmark(stopping.signal);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
