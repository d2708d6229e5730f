import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { namesIn, piecesIn, piecesOf } from '../demo/leaks.ts';
import { lastSaid, type MemberHandle, memberHandle } from '../demo/memberHandle.ts';
import { type CodeOfMember, memberResults } from '../demo/outcome.ts';
import { progressView } from '../demo/progress.ts';
import { type RecordingProxy, startRecordingProxy } from '../demo/recordingProxy.ts';
import { readGguf } from '../language-server/src/engine/gguf.ts';
import { updateLengthFor } from '../language-server/src/federation/adapterLength.ts';
import type { Enrolment } from '../language-server/src/federation/enrolment.ts';
import { foundFederation, type Lead, leadOf } from '../language-server/src/federation/lead.ts';
import { coordinatorTransport } from '../language-server/src/federation/transport.ts';
import { sha256OfFile } from '../language-server/src/learning/adapterFile.ts';
import { openLeftLedger } from '../language-server/src/network/leftLedger.ts';
import { createOutbound } from '../language-server/src/network/outbound.ts';
import { createLayeredPolicy } from '../language-server/src/policy/policyService.ts';
import type { KeyPair } from '../protocol/src/federation/keys.ts';
import { defaultRoundSettings, settingsFromFile } from '../protocol/src/federation/roundSettings.ts';
import { type AuthorCorpus, provideCorpora } from './corpora/corpus.ts';

// npm run demo [-- --steps N --held-out N --rounds N --json]: a coordinator and five members as processes of their own, with
// real authors' code. One member drops out in the second round and comes back, one joins late. It takes some minutes.
const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '6' },
    'held-out': { type: 'string', default: '768' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const [steps, heldOut, rounds] = [Number(values.steps), Number(values['held-out']), Number(values.rounds)];
const root = fileURLToPath(new URL('..', import.meta.url));
const model = process.env.ARGOT_MODEL_PATH ?? '';
const sequence = 256;
/** Whose code each member has. The members' own names are made up: an author is not here. */
const cast = [
  ['ada', 'mafintosh'],
  ['ben', 'mcollina'],
  ['cleo', 'ljharb'],
  ['dan', 'bostock'],
  ['eve', 'hapi'],
] as const;
/** What the members took from a round's start to the last upload; twice that is given to a round in which one drops out. */
let uploadsMs = 60_000;
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const signal = AbortSignal.timeout(30 * 60_000);

await using stack = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), 'argot-demo-'));
stack.defer(() => rm(folder, { recursive: true, force: true }));

const corpora = await provideCorpora({ authors: cast.map(([, author]) => author), progress: say });
const { port, data } = await startCoordinator();
say(`The coordinator listens on port ${port}.`);
const { lead, enrolment } = await found(`http://127.0.0.1:${port}`, data);
const members: MemberHandle[] = [];
const proxies: RecordingProxy[] = [];
const codes: CodeOfMember[] = [];
for (const [i, [name]] of cast.entries()) {
  const corpus = corpora[i];
  if (corpus === undefined) throw new Error(`There is no corpus for ${name}.`);
  const proxy = stack.use(await startRecordingProxy(port, join(folder, `${name}.sent`)));
  const code = codeOf(corpus);
  proxies.push(proxy);
  codes.push(code);
  const member = memberHandle({
    home: join(folder, name),
    name,
    everyMs: 400,
    enrolment: { ...enrolment, coordinator: { ...enrolment.coordinator, url: proxy.url } },
    trainer: {
      ...{ kind: 'native', root, model, train: code.train, heldOut: code.heldOut },
      ...{ trainTokens: steps * sequence * rounds, heldOutTokens: heldOut },
    },
  });
  stack.defer(() => member.kill());
  members.push(member);
}

const founders = members.slice(0, 4);
for (const member of founders) await letIn(lead, member);
for (let round = 1; round <= rounds; round++) {
  const present = round === 1 ? founders : members;
  if (round === 2) {
    const late = members[4];
    if (late !== undefined) {
      say(`${late.name} joins late.`);
      await letIn(lead, late);
    }
  }
  await playRound(round, present, round === 2 ? members[3] : undefined);
}
await report();

/** One round: `dropping` is killed when it has begun to train, and comes back when the others are done. */
async function playRound(round: number, present: readonly MemberHandle[], dropping: MemberHandle | undefined) {
  const staying = present.filter((member) => member !== dropping);
  say(
    `\nRound ${round} with ${present.length} members${dropping === undefined ? '' : `; ${dropping.name} will drop out`}.`,
  );
  // Nobody waits for the deadline where all upload; where one drops out it has to go by.
  const durationMs = dropping === undefined ? 15 * 60_000 : Math.max(30_000, 2 * uploadsMs);
  await lead.command({ do: 'start', settings: await settings(durationMs) }, signal);
  const startedAtMs = Date.now();
  using _view = progressView(present, round, process.stderr);
  if (dropping !== undefined) {
    await until(`${dropping.name} begins to train`, () => lastSaid(dropping, 'progress')?.round === round);
    await dropping.kill();
  }
  const hasCome = (member: MemberHandle, kinds: readonly string[]): boolean => {
    const standing = lastSaid(member, 'standing')?.standing;
    if (standing?.round !== round) return false;
    if (standing.kind === 'failed') throw new Error(`Round ${round} failed: ${standing.reason ?? 'no reason given'}.`);
    return kinds.includes(standing.kind);
  };
  const sent = ['uploaded', 'released', 'judged'];
  await until(`all have sent their updates of round ${round}`, () => staying.every((member) => hasCome(member, sent)));
  uploadsMs = Date.now() - startedAtMs;
  await until(`round ${round} is judged by all`, () => staying.every((member) => hasCome(member, ['judged'])));
  await dropping?.start();
}

async function settings(durationMs: number) {
  const { adapter, base } = enrolment;
  const gguf = await readGguf(model, signal);
  const length = gguf.ok ? updateLengthFor(gguf.gguf, adapter) : undefined;
  if (length === undefined) throw new Error('The model cannot carry the adapter.');
  const usual = defaultRoundSettings({ base: base.sha256, adapter, length });
  const training = { ...usual.training, steps, sequence };
  const range = steps * training.learningRate;
  const quantiser = { ...usual.quantiser, segments: [{ length, range }] };
  return settingsFromFile({ ...usual, training, quantiser, clipNorm: range * Math.sqrt(length), durationMs });
}

async function letIn(by: Lead, member: MemberHandle): Promise<void> {
  await member.start();
  await until(`${member.name} asks to be let in`, async () => {
    const key = lastSaid(member, 'ready')?.key;
    const { joining } = await by.membership(signal);
    const request = joining.find(({ signer }) => Buffer.from(signer).toString('hex') === key);
    if (request === undefined) return false;
    await by.changeRoster({ kind: 'approve', key: request.signer, name: request.body.name }, signal);
    return true;
  });
  await until(
    `${member.name} is in`,
    () => (lastSaid(member, 'standing')?.standing.kind ?? 'waitingForLead') !== 'waitingForLead',
  );
  say(`${member.name} is in.`);
}

async function report(): Promise<void> {
  const state = await lead.state(signal);
  for (const member of members) await member.kill();
  const sent = await Promise.all(proxies.map(async ({ file }) => new Uint8Array(await readFile(file))));
  const texts = codes.flatMap(({ train, heldOut: held }) => [...train, ...held]);
  const pieces = piecesOf(texts, 10_000);
  const leakedPieces = sent.flatMap((bytes) => piecesIn(bytes, pieces));
  const leakedNames = sent.flatMap((bytes) =>
    namesIn(
      bytes,
      codes.flatMap(({ names }) => names),
    ),
  );
  say('\nEach member tries base, personal, team and both on held-out code of its own …');
  const results = await memberResults(
    { members, codes, root, model, steps, sequence, heldOut: 2 * heldOut, adapter: enrolment.adapter, folder },
    signal,
  );
  const rows = results.map((result, i) => ({ ...result, sentMB: Number(((sent[i]?.length ?? 0) / 1e6).toFixed(2)) }));
  const check = {
    pieces: pieces.size,
    leakedPieces: leakedPieces.length,
    names: codes.flatMap(({ names }) => names).length,
    leakedNames,
  };
  if (values.json) console.log(JSON.stringify({ rows, check, coordinator: state }));
  else {
    console.log(
      '\nHeld-out loss, nats a token (scales chosen on two thirds of the held-out code, stated on the rest):',
    );
    console.table(rows);
    console.log(
      `What the coordinator saw: who took part and when, masked vectors, sealed shares, and of each round the sum of all.`,
    );
    console.log(
      `Of ${check.pieces} pieces of their code, ${check.leakedPieces} were in what they sent; of ${check.names} paths and repository names, ${leakedNames.length}.`,
    );
  }
  if (leakedPieces.length + leakedNames.length > 0) process.exitCode = 1;
}

/** The newest packages are held out, as a developer's newest work would be. */
function codeOf({ train, test }: AuthorCorpus): CodeOfMember {
  const names = [...train, ...test].flatMap((file) => [file.package, file.path]);
  return {
    train: train.map(({ text }) => text),
    heldOut: test.map(({ text }) => text),
    // A short name such as “level” may be a word of any message.
    names: [...new Set(names)].filter((name) => name.length >= 8),
  };
}

async function found(url: string, at: string): Promise<{ readonly lead: Lead; readonly enrolment: Enrolment }> {
  const policy = createLayeredPolicy();
  const network = stack.use(
    await createOutbound(policy, openLeftLedger(join(folder, 'lead'), policy)).open({ proxy: '', env: {} }),
  );
  const send = coordinatorTransport(network, 'Demo');
  let keys: KeyPair | undefined;
  const made = await foundFederation(
    {
      url,
      token: (await readFile(join(at, 'founding-token'), 'utf8')).trim(),
      send,
      nowMs: Date.now,
      base: { sha256: await sha256OfFile(model), name: 'SmolLM2-135M' },
      adapter: { rank: 8, alpha: 16, targets: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'], matrices: 'b', seed: 1 },
      minimums: { minimumCohort: 3, privacyMechanisms: ['none'] },
      keep: async (_federation, pair) => {
        keys = pair;
      },
    },
    signal,
  );
  if (keys === undefined) throw new Error('The lead’s key was not kept.');
  return { enrolment: made, lead: leadOf(made, keys, send, Date.now) };
}

async function startCoordinator(): Promise<{ readonly port: number; readonly data: string }> {
  const at = join(folder, 'coordinator');
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const address = free.address();
  free.close();
  if (address === null || typeof address === 'string') throw new Error('There is no free port.');
  const main = join(root, 'coordinator', 'src', 'main.ts');
  const child = spawn(process.execPath, [main, '--data', at, '--port', String(address.port), '--tick-ms', '200'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  stack.defer(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
  });
  const health = `http://127.0.0.1:${address.port}/healthz`;
  await until('the coordinator listens', () =>
    fetch(health).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  return { port: address.port, data: at };
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    if (signal.aborted) throw new Error(`Not in time: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
