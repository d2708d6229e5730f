/** An expected failure. Its message is one sentence that says what to do; no stack is shown for it. */
export class SetupFailure extends Error {}

/**
 * Runs a command's main function and sets the exit code that it returns.
 *
 * @param {() => Promise<number>} main
 */
export async function runMain(main) {
  try {
    const major = Number.parseInt(process.versions.node, 10);
    if (major < 20) {
      throw new SetupFailure(
        `Argot needs Node 20 or later and this is ${process.version}: install a newer Node and run the command again.`,
      );
    }
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    process.stderr.write(`argot: ${error.message}\n`);
    process.exitCode = 1;
  }
}
