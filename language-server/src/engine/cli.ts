import { resolve } from 'node:path';
import { checkSettings } from '#protocol/settings.ts';
import { argotHome } from '../home.ts';
import { openLeftLedger } from '../network/leftLedger.ts';
import { createOutbound } from '../network/outbound.ts';
import { openLivePolicy } from '../policyFiles/livePolicy.ts';
import { policyMemoryFolder } from '../policyFiles/policyMemoryFolder.ts';
import { inWords, type Outcome } from './faults.ts';
import { type ModelStore, modelStore } from './modelStore.ts';
import type { OnProgress } from './progress.ts';

const usage = `Usage: node dist/models-cli.mjs list
       node dist/models-cli.mjs fetch ID [--from FILE]
       node dist/models-cli.mjs import FILE

ARGOT_HOME moves the folder of models, ARGOT_HUB the root of the hub's addresses; HTTPS_PROXY and NO_PROXY count.`;

/** What goes to stdout, or the sentence that goes to stderr. */
type Result = { readonly ok: true; readonly output: string } | { readonly ok: false; readonly message: string };

async function main(args: readonly string[], signal: AbortSignal): Promise<Result> {
  const { env } = process;
  const { settings } = checkSettings({});
  const home = argotHome(env, process.platform);
  const log = (message: string): boolean => process.stderr.write(`${message}\n`);
  await using policy = await openLivePolicy({ platform: process.platform, memoryFolder: policyMemoryFolder(), log });
  const outbound = createOutbound(policy, openLeftLedger(home, policy));
  const store = modelStore({
    home,
    reach: () => ({ hubEndpoint: env.ARGOT_HUB || settings.hubEndpoint, proxy: '', env, outbound }),
  });
  const onProgress = progressLine(process.stderr);
  const [command, subject, option, value, ...rest] = args;
  if (command === 'list' && subject === undefined) return { ok: true, output: await list(store) };
  if (command === 'import' && subject && option === undefined) {
    return output(await store.importFile(resolve(subject), onProgress, signal));
  }
  const isFetch = command === 'fetch' && subject && rest.length === 0;
  if (isFetch && option === undefined) return output(await store.fetch(subject, { onProgress, signal }));
  if (isFetch && option === '--from' && value) {
    return output(await store.fetch(subject, { onProgress, signal, namedFile: resolve(value) }));
  }
  return { ok: false, message: usage };
}

function output(result: Outcome<{ readonly path: string }>): Result {
  return result.ok ? { ok: true, output: result.path } : { ok: false, message: result.fault.message };
}

async function list(store: ModelStore): Promise<string> {
  const { choices, complaints } = await store.list();
  for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
  const lines = choices.map(({ id, installed, sizeBytes, memoryBytes, licence, fitsMemory }) => {
    const columns = [id.padEnd(20), inWords(sizeBytes).padStart(8), `memory ${inWords(memoryBytes)}`, licence];
    return [...columns, fitsMemory ? 'fits' : 'too large', ...(installed ? ['installed'] : [])].join('  ');
  });
  return lines.join('\n');
}

/** One line that is rewritten on a terminal; elsewhere a line for each tenth. */
function progressLine(stream: NodeJS.WriteStream): OnProgress {
  let lastTenth = '';
  return ({ phase, receivedBytes, totalBytes, source }) => {
    const share = totalBytes > 0 ? Math.floor((receivedBytes / totalBytes) * 100) : 0;
    const text = `${phase} ${share} % of ${inWords(totalBytes)} (${source})`;
    if (stream.isTTY) {
      stream.write(`\r\u001b[K${text}`);
      if (phase === 'verifying' && share === 100) stream.write('\n');
      return;
    }
    const tenth = `${phase} ${Math.floor(share / 10)} ${source}`;
    if (tenth !== lastTenth) stream.write(`${text}\n`);
    lastTenth = tenth;
  };
}

const stop = new AbortController();
// Not `once`: a package of node-llama-cpp ends the process at once where no other listener is left.
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort());
const result = await main(process.argv.slice(2), stop.signal);
if (result.ok) process.stdout.write(`${result.output}\n`);
else process.stderr.write(`${process.stderr.isTTY ? '\r\u001b[K' : ''}${result.message}\n`);
process.exitCode = result.ok ? 0 : 1;
