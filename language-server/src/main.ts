import { readFileSync } from 'node:fs';
import module from 'node:module';
import type { Socket } from 'node:net';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { serverAddress } from '#protocol/address.ts';
import { protocolVersion } from '#protocol/handshake.ts';
import { createModelHost } from './engine/createModelHost.ts';
import { argotHome } from './home.ts';
import { createIndexClient } from './indexing/indexClient.ts';
import { usualChecksMs } from './learning/observer.ts';
import { privacyAccount } from './ledger/spendLedgerFile.ts';
import { openLeftLedger } from './network/leftLedger.ts';
import { createOutbound } from './network/outbound.ts';
import { openLivePolicy } from './policyFiles/livePolicy.ts';
import { policyMemoryFolder } from './policyFiles/policyMemoryFolder.ts';
import { createAskMemory } from './server/askMemory.ts';
import { openDailyTally } from './server/dailyTally.ts';
import { greet } from './server/handshake.ts';
import { createLifetime } from './server/lifetime.ts';
import { openFederation } from './server/openFederation.ts';
import { openLearning } from './server/openLearning.ts';
import { startSession } from './server/session.ts';
import { listen } from './server/socket.ts';
import { newTotals } from './server/traceLog.ts';

/** Environment variables that tests shorten the server's patience with. */
const environment = z
  .object({
    ARGOT_IDLE_MS: z.coerce.number().int().positive().default(60_000),
    ARGOT_TRAINING: z.string().optional(),
    /** How often the coordinators of this user's teams are asked for news. */
    ARGOT_FEDERATION_MS: z.coerce.number().int().positive().default(30_000),
    /** When the text of a taken suggestion is looked at again: milliseconds with commas. */
    ARGOT_SURVIVAL_MS: z
      .string()
      .regex(/^\d+(,\d+)*$/)
      .default(usualChecksMs.join(',')),
  })
  .parse(process.env);
const survivalChecksMs = environment.ARGOT_SURVIVAL_MS.split(',').map(Number);
const drainMs = 2_000;
/** A cold start needs the processor for the model first. */
const indexDelayMs = 1_500;

const log = (message: string): void => console.error(`${new Date().toISOString()} [${process.pid}] ${message}`);
const manifest = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')));

// Compiled modules are kept from start to start, where the runtime can: it shortens a cold start.
module.enableCompileCache?.(join(argotHome(process.env, process.platform), 'cache'));

// One user's server serves all windows: an error in one request must not take it from the others.
process.on('uncaughtException', (error) => log(`Unexpected: ${error.stack ?? error.message}`));
process.on('unhandledRejection', (error) => log(`Unexpected: ${error instanceof Error ? error.stack : String(error)}`));

const machine = {
  platform: process.platform,
  env: process.env,
  uid: process.getuid?.(),
  userName: userInfo().username,
  userHome: homedir(),
  temporary: tmpdir(),
};
const sockets = new Set<Socket>();
const totals = newTotals();
let lastId = 0;

// Nobody is welcomed before it is known what may happen here.
const home = argotHome(process.env, process.platform);
const policy = await openLivePolicy({ platform: process.platform, memoryFolder: policyMemoryFolder(), log });
const left = openLeftLedger(home, policy);
const account = privacyAccount(home);
const tally = await openDailyTally({ path: join(home, 'tally.json'), now: () => new Date(), log });

const listening = await listen(
  serverAddress(machine),
  (socket) => void welcome(socket).catch((error: unknown) => log(String(error))),
);
if (listening.kind === 'taken') process.exit(0);
if (listening.kind === 'refused') {
  console.error(listening.message);
  process.exit(1);
}

const outbound = createOutbound(policy, left);
const host = createModelHost({ home, policy, outbound, log });
const index = createIndexClient({
  storage: join(home, 'index'),
  log,
  startDelayMs: indexDelayMs,
});
// The store and the adapters are read while windows connect already: completions wait for neither.
const learning = openLearning({
  ...{ home, host, policy, log, options: environment.ARGOT_TRAINING },
  root: fileURLToPath(new URL('..', import.meta.url)),
});
learning.catch((error: unknown) => log(`Learning is off: ${String(error)}`));
const ask = createAskMemory(join(home, 'ask.json'), log);
const federation = openFederation({
  ...{ home, host, policy, outbound, left, account, learning, env: process.env, log },
  everyMs: environment.ARGOT_FEDERATION_MS,
});
federation.catch((error: unknown) => log(`Federation is off: ${String(error)}`));
const lifetime = createLifetime({
  idleMs: environment.ARGOT_IDLE_MS,
  drainMs,
  stopListening: () => listening.server.close(),
  closeClients: () => sockets.forEach((socket) => void socket.end()),
  end: () => void end(),
});
log(`Version ${manifest.version} listens.`);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end());

async function welcome(socket: Socket): Promise<void> {
  socket.on('error', () => socket.destroy());
  const greeting = {
    argot: 'greeting',
    protocol: protocolVersion,
    version: manifest.version,
    pid: process.pid,
  } as const;
  const token = listening.kind === 'listening' ? listening.token : undefined;
  const outcome = await greet(socket, greeting, token);
  if (outcome.kind === 'foreign') {
    log(`A connection was refused: ${outcome.why}.`);
    socket.destroy();
    return;
  }
  if (outcome.reply.argot === 'drain') {
    log(`Version ${outcome.reply.version} takes over.`);
    socket.end();
    lifetime.drain();
    return;
  }
  if (lifetime.draining()) {
    socket.end();
    return;
  }
  sockets.add(socket);
  lifetime.joined();
  startSession(socket, {
    host,
    policy,
    left,
    account,
    tally,
    index,
    ask,
    learning,
    federation,
    survivalChecksMs,
    totals,
    version: manifest.version,
    clients: lifetime.clients,
    newId: () => `${process.pid}-${++lastId}`,
    log,
    ended() {
      sockets.delete(socket);
      lifetime.left();
    },
  });
}

async function end(): Promise<void> {
  if (listening.kind === 'listening') listening.server.close();
  index[Symbol.dispose]();
  // Windows that end tell what became of their suggestions: it is stored before the process is gone.
  for (const socket of sockets) socket.destroy();
  await sleep(0);
  await tally[Symbol.asyncDispose]();
  await federation.then((opened) => opened[Symbol.asyncDispose]()).catch((error: unknown) => log(String(error)));
  await learning.then((opened) => opened[Symbol.asyncDispose]()).catch((error: unknown) => log(String(error)));
  await Promise.resolve(host[Symbol.asyncDispose]()).catch((error: unknown) => log(String(error)));
  process.exit(0);
}
