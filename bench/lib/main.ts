/**
 * Runs a benchmark until it is done, or is asked to stop (Ctrl+C, SIGTERM); what goes wrong is one sentence on stderr.
 * Processes and folders that the benchmark holds by `await using` are gone when this returns.
 */
export async function runBenchmark(benchmark: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const stopping = new AbortController();
  const stop = (): void => {
    if (stopping.signal.aborted) process.exit(1);
    stopping.abort(new Error('Stopped.'));
  };
  // Not `once`: a package of node-llama-cpp ends the process at once where no other listener is left.
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, stop);
  try {
    await benchmark(stopping.signal);
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
