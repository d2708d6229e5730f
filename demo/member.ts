import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fromHex } from '#protocol/federation/bytes.ts';
import { BoardRefusal, httpBoard } from '#protocol/federation/httpBoard.ts';
import { enrolmentSchema } from '../language-server/src/federation/enrolment.ts';
import { openIdentity } from '../language-server/src/federation/identity.ts';
import { fileKeyStore } from '../language-server/src/federation/keyStore.ts';
import { federationMember } from '../language-server/src/federation/member.ts';
import { coordinatorTransport } from '../language-server/src/federation/transport.ts';
import { privacyAccount } from '../language-server/src/ledger/spendLedgerFile.ts';
import { openLeftLedger } from '../language-server/src/network/leftLedger.ts';
import { createOutbound } from '../language-server/src/network/outbound.ts';
import { openLivePolicy } from '../language-server/src/policyFiles/livePolicy.ts';
import { nativeMemberTrainer } from './nativeMemberTrainer.ts';
import { simulatedTrainer } from './simulatedTrainer.ts';

/**
 * One member of a team as a process of its own: what the language server does for an enrolled repository, without an
 * editor. Says on stdout, as JSON lines, where it stands. Killed at any moment, the next one goes on.
 */
const settingsSchema = z.object({
  home: z.string(),
  name: z.string(),
  enrolment: enrolmentSchema,
  everyMs: z.number(),
  trainer: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('simulated'), length: z.number(), seed: z.number(), trainingMs: z.number() }),
    z.object({
      kind: z.literal('native'),
      root: z.string(),
      model: z.string(),
      train: z.array(z.string()).readonly(),
      heldOut: z.array(z.string()).readonly(),
      trainTokens: z.number(),
      heldOutTokens: z.number(),
    }),
  ]),
});
export type MemberSettings = z.infer<typeof settingsSchema>;

const [settingsFile = ''] = process.argv.slice(2);
const settings = settingsSchema.parse(JSON.parse(await readFile(settingsFile, 'utf8')));
const stopped = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopped.abort());
const { signal } = stopped;
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const { enrolment, home, name } = settings;
const folder = join(home, 'federation', enrolment.federation);
await mkdir(folder, { recursive: true, mode: 0o700 });
const memoryFolder = join(home, 'policy');
await using policy = await openLivePolicy({ platform: process.platform, memoryFolder, log: console.error });
const network = await createOutbound(policy, openLeftLedger(home, policy)).open({ proxy: '', env: {} });
const identity = await openIdentity(folder, enrolment.federation, fileKeyStore(join(home, 'keys')), signal);
const board = httpBoard({
  url: enrolment.coordinator.url,
  federation: fromHex(enrolment.federation),
  keys: identity.signing,
  send: coordinatorTransport(network, name),
  nowMs: Date.now,
});
const trainer =
  settings.trainer.kind === 'native'
    ? await nativeMemberTrainer(settings.trainer, home, signal)
    : simulatedTrainer(settings.trainer);
const member = federationMember({
  folder,
  name,
  enrolment,
  identity,
  board,
  trainer,
  policy,
  account: privacyAccount(home),
  offerPolicy: (file) => policy.offerOrganisationPolicy(file),
  onProgress: (round, progress) => say({ at: 'progress', round, ...progress }),
});
say({ at: 'ready', key: Buffer.from(identity.signing.publicKey).toString('hex') });

let last = '';
while (!signal.aborted) {
  try {
    const standing = await member.advance(signal);
    const text = JSON.stringify(standing);
    if (text !== last) say({ at: 'standing', standing, adapter: await member.activeAdapter() });
    last = text;
  } catch (error) {
    if (signal.aborted) break;
    const message = error instanceof Error ? error.message : String(error);
    // A coordinator that is away comes back; anything else is for the reader.
    await appendFile(join(home, 'errors.log'), `${new Date().toISOString()} ${message}\n`);
    const text = error instanceof BoardRefusal ? `${error.refusal}: ${message}` : message;
    if (text !== last) say({ at: 'trouble', message: text });
    last = text;
  }
  await new Promise((resolve) => setTimeout(resolve, settings.everyMs));
}
process.exit(0);
