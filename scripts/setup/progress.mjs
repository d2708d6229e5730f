import { SetupFailure } from './failure.mjs';

const heartbeatMs = 15_000;

/**
 * Runs one step and shows that it runs: on stderr, so that a command's own output stays clean. A step that has nothing
 * to do returns `false` quickly and is shown only by its tick.
 *
 * @template T
 * @param {string} title
 * @param {() => Promise<T | undefined>} alreadyDone what the step gave earlier, or undefined where it must run
 * @param {(note: (line: string) => void) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(title, alreadyDone, work) {
  const started = performance.now();
  const ready = await alreadyDone();
  if (ready !== undefined) {
    process.stderr.write(`✓ ${title}\n`);
    return ready;
  }
  process.stderr.write(`• ${title} …\n`);
  let latest = '';
  const seconds = () => Math.round((performance.now() - started) / 1000);
  const heartbeat = setInterval(() => {
    process.stderr.write(`  still at it after ${seconds()} s${latest === '' ? '' : `: ${latest}`}\n`);
  }, heartbeatMs);
  try {
    const result = await work((line) => {
      latest = line.trim().slice(0, 160);
    });
    process.stderr.write(`✓ ${title} (${seconds()} s)\n`);
    return result;
  } catch (error) {
    if (error instanceof SetupFailure) process.stderr.write(`✗ ${title}\n`);
    throw error;
  } finally {
    clearInterval(heartbeat);
  }
}
