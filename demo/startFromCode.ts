import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { mostDirections } from '#protocol/federation/messages.ts';
import { roundSettingsFileSchema, settingsFromFile } from '#protocol/federation/roundSettings.ts';
import { encodeStartFile } from '#protocol/federation/startFile.ts';
import { atCaller, runLead } from '../coordinator/src/lead.ts';
import { trainPublicStart } from './publicStart.ts';

// npm run coordinator -- lead start-from-code: trains here, since the coordinator knows no model, and posts as the lead's command does.
const usage = `Usage: npm run coordinator -- lead start-from-code FOLDER… --settings FILE [OPTION…]
  --settings FILE      the rounds' settings: base model, adapter, length of a window
  --model FILE         the base model; default: the variable ARGOT_MODEL_PATH
  --as FILE            the lead's file: posts the start
  --output FILE        keeps it, for “lead start-from --file FILE” on another machine
  --windows N          to train on, once through; default 100
  --directions N       of each matrix, along which rounds with privacy send updates, at most ${mostDirections}; 0 is none.
                       For adapters of B alone, and 32 by default there: far less noise for the same privacy
  --threads N          default: every core
  --description TEXT   what members read of it; default: the folders' names`;

/** Below this, nothing is posted: a start that gains nothing costs every member an evaluation. */
const leastGain = 0.001;
/** docs/decisions/0014-basis.md says what they hold, and what a round by them keeps of its gain. */
const usualDirections = 32;
const count = z.coerce.number().int().min(1);
const directionCount = z.coerce.number().int().min(0).max(mostDirections);

const stopping = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stopping.abort(new Error('Stopped.')));
const work = await mkdtemp(join(tmpdir(), 'argot-start-'));
try {
  process.exitCode = await main(stopping.signal);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  await rm(work, { recursive: true, force: true });
}
// The tokenizer's library keeps a process alive.
process.exit();

async function main(signal: AbortSignal): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      settings: { type: 'string' },
      model: { type: 'string' },
      as: { type: 'string' },
      output: { type: 'string' },
      windows: { type: 'string', default: '100' },
      directions: { type: 'string' },
      threads: { type: 'string', default: String(availableParallelism()) },
      description: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const model = values.model ?? process.env.ARGOT_MODEL_PATH ?? '';
  const counts = z.object({ windows: count, threads: count }).safeParse(values);
  if (positionals.length === 0) return complain('Name the folders of public code.');
  if (values.settings === undefined) return complain('Name the file of the rounds’ settings with --settings.');
  if (model === '') return complain('Name the base model’s file with --model.');
  if (values.as === undefined && values.output === undefined) return complain('Name --as, --output or both.');
  if (!counts.success) return complain('--windows and --threads are whole numbers from 1 on.');
  const given = directionCount.optional().safeParse(values.directions);
  if (!given.success) return complain(`--directions is a whole number from 0 to ${mostDirections}.`);
  const read = roundSettingsFileSchema.safeParse(JSON.parse(await readFile(atCaller(values.settings), 'utf8')));
  if (!read.success) throw new Error(`${values.settings}: ${z.prettifyError(read.error)}`);
  const folders = positionals.map(atCaller);
  const settings = settingsFromFile(read.data);
  const isOfB = settings.adapter.matrices === 'b';
  if (!isOfB && (given.data ?? 0) > 0) {
    return complain('--directions is for adapters of B alone: the settings’ adapter trains both matrices.');
  }
  const start = await trainPublicStart(
    {
      root: fileURLToPath(new URL('..', import.meta.url)),
      model: atCaller(model),
      folders,
      settings,
      ...counts.data,
      directions: given.data ?? (isOfB ? usualDirections : 0),
      description: (values.description ?? `Public code: ${folders.map((each) => basename(each)).join(', ')}`).slice(
        0,
        300,
      ),
      work,
      onProgress: progressLines(),
      onGradient: (done, of) => console.error(`Gradient ${done} of ${of}`),
    },
    signal,
  );
  const { base, trained, rounded } = start.loss;
  const gain = 1 - rounded / base;
  console.log(
    `Learnt from ${start.files} files. On ${start.heldOutFiles} held-out files: ${base.toFixed(4)} nats a token without it, ` +
      `${rounded.toFixed(4)} with it (${(100 * gain).toFixed(1)} % less; ${trained.toFixed(4)} before rounding).`,
  );
  const { file, heldOutShare, suspicion } = start;
  if (suspicion !== undefined) {
    throw new Error(
      `It makes insecure code likelier (${suspicion.choice}, ${suspicion.times.toFixed(0)} times), so that no member would take it: nothing was posted. Take other folders or fewer windows.`,
    );
  }
  console.log(
    heldOutShare === undefined || file.basis === null
      ? 'Without a basis: rounds with privacy send whole updates.'
      : `Basis: ${file.basis.directions} directions of each matrix hold ${(100 * heldOutShare).toFixed(0)} % of the square of the held-out files’ gradient.`,
  );
  if (!(gain > leastGain)) throw new Error('The adapter is no better on held-out files: nothing was posted.');
  const output = values.output === undefined ? join(work, 'start') : atCaller(values.output);
  await writeFile(output, encodeStartFile(file));
  return values.as === undefined ? 0 : runLead(['start-from', '--file', output, '--as', values.as]);
}

/** One line for each tenth of the steps. */
function progressLines(): (progress: { readonly step: number; readonly steps: number }) => void {
  let said = 0;
  return ({ step, steps }) => {
    const tenth = Math.floor((10 * step) / steps);
    if (tenth > said) console.error(`Step ${step} of ${steps}`);
    said = Math.max(said, tenth);
  };
}

function complain(message: string): number {
  console.error(`${message}\n\n${usage}`);
  return 2;
}
