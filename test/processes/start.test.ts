import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { fetchHttp } from '../../coordinator/src/fetchHttp.ts';
import { simulatedBase, simulatedUpdate } from '../../demo/simulatedTrainer.ts';
import { sha256OfFile } from '../../language-server/src/learning/adapterFile.ts';
import { expandUpdate, reduceUpdate, roundBasis } from '../../protocol/src/federation/basis.ts';
import { readTopic, roundTopic, startBlobsTopic, startsTopic } from '../../protocol/src/federation/board.ts';
import { hex } from '../../protocol/src/federation/bytes.ts';
import type { SendHttp } from '../../protocol/src/federation/httpBoard.ts';
import { newSigningKeys } from '../../protocol/src/federation/keys.ts';
import type { RoundSettings } from '../../protocol/src/federation/messages.ts';
import { planPrivacy } from '../../protocol/src/federation/planPrivacy.ts';
import { meanOf } from '../../protocol/src/federation/quantiser.ts';
import { quantiserOf } from '../../protocol/src/federation/round.ts';
import { defaultRoundSettings } from '../../protocol/src/federation/roundSettings.ts';
import { claimedId, sha256, signMessage } from '../../protocol/src/federation/signedMessage.ts';
import { openStart, roundStart, startValues } from '../../protocol/src/federation/start.ts';
import { startBasis } from '../../protocol/src/federation/startBasis.ts';
import { postStart, type StartFile } from '../../protocol/src/federation/startFile.ts';
import { foundFederation, startCoordinator, type TestFederation } from '../lib/coordinator.ts';
import { habitualExamples } from '../lib/examples.ts';
import { trainerHost } from '../lib/learning.ts';
import { type MemberProcess, startMember } from '../lib/memberProcess.ts';
import { joinFederation, type SimulatedMember, smallRound } from '../lib/simulatedMember.ts';
import { modelPath, until } from './setup.ts';

const { signal } = new AbortController();
const command = fileURLToPath(new URL('../../demo/startFromCode.ts', import.meta.url));
const length = 40_000;
const base = new Uint8Array(Buffer.from(simulatedBase, 'hex'));
const adapter: StartFile['adapter'] = { rank: 8, alpha: 16, targets: ['q', 'v'], matrices: 'b', seed: 1 };
const settings = smallRound(length, { base, adapter });
const rounded = roundStart(
  Float32Array.from({ length }, (_, i) => (i === 0 ? 0.5 : Math.sin(i) / 50)),
  [length / 4, (3 * length) / 4],
);
if (!rounded.ok) throw new Error(rounded.refusal);
const { segments, levels, values } = rounded.value;
const file: StartFile = { base, adapter, description: 'the repository’s dependencies', segments, levels, basis: null };

/** The first output, where simulated updates gain, and the two after it, turned; the others are in no direction. */
const directions = segments.map((each) => {
  const matrix = new Float32Array((each.length / 8) * 3);
  matrix.set([1, 0, 0, 0, 0.6, -0.8, 0, 0.8, 0.6]);
  return matrix;
});
const roundedBasis = roundBasis({ rank: 8, directions: 3, matrices: directions });
if (!roundedBasis.ok) throw new Error(roundedBasis.refusal);
const { ranges, levels: basisLevels } = roundedBasis.value;
const basis = { directions: 3, ranges: [...ranges], levels: basisLevels };

const post = (
  federation: TestFederation,
  changes: Partial<StartFile> & { sequence?: number } = {},
  send?: SendHttp,
) => {
  const { sequence = 1, ...own } = changes;
  const board = send === undefined ? federation.board : federation.boardFor(federation.lead, send);
  const head = { federation: federation.anchors.federation, sequence };
  return postStart(board, { ...file, ...own }, head, federation.lead, signal);
};
const lastStanding = (member: MemberProcess) => member.said().findLast(({ at }) => at === 'standing');
const floatsIn = async (path: string | undefined) =>
  new Float32Array(new Uint8Array(await readFile(path ?? '')).buffer);

it('members use the lead’s start before any round, and the first round goes on from it to the same floats', async () => {
  await using coordinator = await startCoordinator();
  const federation = await foundFederation(coordinator);
  const again = async () => {
    await coordinator.kill();
    await coordinator.start();
  };
  // Killed amid the values, and again once the start is there.
  let pieces = 0;
  const breaking: SendHttp = (request, during) =>
    request.method === 'PUT' && ++pieces === 2 ? Promise.reject(new Error('broke')) : fetchHttp(request, during);
  await expect(post(federation, {}, breaking)).rejects.toThrow('broke');
  await again();
  const posted = await post(federation);
  if (!posted.ok) throw new Error(posted.refusal);
  expect(await post(federation)).toEqual(posted);
  await again();
  expect((await federation.board.state(signal)).start).toEqual({
    id: hex(posted.value),
    description: file.description,
  });
  // Newer, but no start for this team's model.
  expect(await post(federation, { base: new Uint8Array(32), sequence: 2 })).toMatchObject({ ok: true });
  await using stack = new AsyncDisposableStack();
  const members: MemberProcess[] = [];
  for (const [seed, name] of ['ada', 'ben', 'cleo'].entries()) {
    members.push(stack.use(await startMember(coordinator, federation, { name, seed, length, trainingMs: 300 })));
  }
  for (const [i, member] of members.entries()) await federation.approve(await member.key(), `member ${i}`);
  await until(
    'all use the start',
    () => members.every((member) => lastStanding(member)?.standing?.start?.judgement?.adopt === true),
    20_000,
  );
  for (const member of members) expect(await floatsIn(lastStanding(member)?.adapter)).toEqual(values);

  const dan = await joinFederation(federation, 'dan');
  await federation.command({ do: 'start', settings });
  const round = await until('the round', () => dan.newestRound());
  expect(round.plan.parent).toEqual(posted.value);
  expect(round.cohort.length).toBe(4);
  await dan.upload(round);
  const judged = (member: MemberProcess) => lastStanding(member)?.standing?.kind === 'judged';
  await until('all have judged', () => members.every(judged), 30_000);
  const result = await until('the result', () => dan.result(round));
  const mean = meanOf(result.sum, quantiserOf(round));
  const total = values.map((value, i) => value + mean[i]!);
  for (const member of members) expect(await floatsIn(lastStanding(member)?.adapter)).toEqual(total);
  expect(members.flatMap((member) => member.said().filter(({ at }) => at === 'trouble'))).toEqual([]);
});

it('a client-level round by the start’s basis sums a few coefficients, and all add what they expand to', async () => {
  await using coordinator = await startCoordinator();
  const federation = await foundFederation(coordinator);
  const start = await post(federation, { basis });
  if (!start.ok) throw new Error(start.refusal);
  await using stack = new AsyncDisposableStack();
  const members: MemberProcess[] = [];
  for (const [seed, name] of ['ada', 'ben', 'cleo'].entries()) {
    members.push(stack.use(await startMember(coordinator, federation, { name, seed, length })));
  }
  for (const [i, member] of members.entries()) await federation.approve(await member.key(), `member ${i}`);
  const usesStart = (member: MemberProcess) => lastStanding(member)?.standing?.start?.judgement?.adopt === true;
  await until('all use the start', () => members.every(usesStart), 20_000);
  const dan = await joinFederation(federation, 'dan');
  const memberVariance = 25;
  const privacy = { mechanism: 'client', memberVariance, delta: 1e-5 } as const;
  // Two matrices, three directions, rank 8: 48 numbers of 40,000.
  const coefficients = smallRound(48, { base, adapter, privacy, maxWeight: 1, basis: start.value });
  await federation.command({ do: 'start', settings: coefficients });
  const round = await until('the round', () => dan.newestRound());
  expect(round.plan).toMatchObject({ parent: start.value, basis: start.value });
  expect([round.length, round.cohort.length]).toEqual([48, 4]);
  await dan.upload(round);
  const judged = (member: MemberProcess) => lastStanding(member)?.standing?.kind === 'judged';
  await until('all have judged', () => members.every(judged), 30_000);

  const result = await until('the result', () => dan.result(round));
  const mean = meanOf(result.sum, quantiserOf(round));
  const expanded = expandUpdate(mean, roundedBasis.value.basis);
  if (!expanded.ok) throw new Error(expanded.refusal);
  const total = values.map((value, i) => value + expanded.value[i]!);
  expect(total).not.toEqual(values);
  for (const member of members) {
    expect(lastStanding(member)?.standing?.judgement?.adopt).toBe(true);
    expect(await floatsIn(lastStanding(member)?.adapter)).toEqual(total);
  }
  // What was summed is what the members' updates are along the basis, with the noise of three and rounding.
  const sent = members.map((_, seed) => reduceUpdate(simulatedUpdate(length, seed), roundedBasis.value.basis));
  const danSent = dan.sent.get(hex(round.id))?.levels ?? [];
  const furthest = 6 * Math.sqrt(3 * memberVariance) + 3;
  for (let i = 0; i < 48; i++) {
    const own = sent.reduce((sum, each) => sum + (each.ok ? each.value[i]! : Number.NaN), 0);
    expect(Math.abs(4 * mean[i]! * 127 - own * 127 - danSent[i]!)).toBeLessThan(furthest);
  }
  const price = planPrivacy(round.plan);
  for (const { home } of members) {
    const lines = (await readFile(join(home, 'ledger', 'privacy.jsonl'), 'utf8')).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ unit: 'member', release: price?.release }]);
  }
  expect(members.flatMap((member) => member.said().filter(({ at }) => at === 'trouble'))).toEqual([]);
});

it('goes on from the last result that was not voted down, and otherwise from the newest start', async () => {
  await using coordinator = await startCoordinator();
  const federation = await foundFederation(coordinator);
  const members: SimulatedMember[] = [];
  for (const name of ['ada', 'ben', 'cleo']) members.push(await joinFederation(federation, name));
  const [ada] = members as [SimulatedMember, SimulatedMember, SimulatedMember];
  /** A whole round with votes like this; gives its parent and its result. */
  async function play(number: number, adopt: boolean) {
    await federation.command({ do: 'start', settings });
    const round = await until(`round ${number}`, async () => {
      const newest = await ada.newestRound();
      return newest?.plan.round === number && newest;
    });
    for (const member of members) await member.upload(round);
    const named = async () => (await federation.board.list(roundTopic(round.id, 'survivors'), signal)).length > 0;
    await until('the survivors', named);
    for (const member of members.slice(0, 2)) await member.serve(round);
    const { id } = await until('the result', () => ada.result(round));
    for (const member of members) await member.vote(round, id, adopt);
    return { parent: round.plan.parent, id };
  }
  const [first, second] = [await post(federation), await post(federation, { sequence: 2, description: 'more' })];
  if (!first.ok || !second.ok) throw new Error('The starts were refused.');
  expect((await play(1, false)).parent).toEqual(second.value);
  const third = await post(federation, { sequence: 3, description: 'yet more' });
  const next = await play(2, true);
  expect(third).toEqual({ ok: true, value: next.parent });
  await post(federation, { sequence: 4, description: 'too late' });
  const last = await play(3, false);
  expect(last.parent).toEqual(next.id);
  expect((await play(4, true)).parent).toEqual(next.id);
});

it('takes starts from the lead alone, whole and right, and no plan or member goes on from another model’s', async () => {
  await using coordinator = await startCoordinator();
  const federation = await foundFederation(coordinator);
  const { anchors, lead, board } = federation;
  const ada = await joinFederation(federation, 'ada');
  for (const name of ['ben', 'cleo']) await joinFederation(federation, name);
  const body = { type: 'start', federation: anchors.federation, sequence: 1, ...file, values: sha256(levels) };
  const { levels: _, ...start } = body;
  const withBasis = { ...start, basis: { directions: 3, ranges, values: sha256(basisLevels) } };
  const id = (message: Uint8Array) => claimedId(message) ?? message;
  const refusalOf = async (posting: Promise<unknown>) =>
    posting.then(
      () => undefined,
      (error: { refusal?: string }) => error.refusal,
    );
  const [stranger, message] = [newSigningKeys(), signMessage(start, lead)];
  const strange = federation.boardFor(stranger);
  expect(await refusalOf(strange.post(startsTopic, signMessage(start, stranger), signal))).toBe('notAMember');
  await expect(strange.post(startBlobsTopic(id(message)), levels, signal)).rejects.toMatchObject({ status: 403 });
  const asAda = federation.requestAs(ada.signing);
  const topic = `/v1/f/${hex(anchors.federation)}/topics/${startsTopic}`;
  expect(await refusalOf(asAda('POST', topic, signMessage(start, ada.signing), signal))).toBe('notTheLead');
  expect(await refusalOf(board.post(startsTopic, signMessage(start, ada.signing), signal))).toBe('wrongSigner');
  expect(await refusalOf(board.post(startsTopic, message, signal))).toBe('valuesMissing');
  const other = new Uint8Array(32).fill(9);
  const target = `/v1/f/${hex(anchors.federation)}/blobs/${hex(id(message))}/${hex(other)}?offset=0&size=${length}`;
  expect(await refusalOf(federation.requestAs(lead)('PUT', target, levels, signal))).toBe('payloadHash');
  const wild = levels.with(7, 0x80);
  const wildMessage = signMessage({ ...start, values: sha256(wild) }, lead);
  await board.post(startBlobsTopic(id(wildMessage)), wild, signal);
  expect(await refusalOf(board.post(startsTopic, wildMessage, signal))).toBe('valuesRange');
  // With its values there, the basis is missing; then too long.
  const lacking = signMessage(withBasis, lead);
  await board.post(startBlobsTopic(id(lacking)), levels, signal);
  expect(await refusalOf(board.post(startsTopic, lacking, signal))).toBe('basisMissing');
  const long = { ...withBasis.basis, ranges: ranges.map((range) => 2 * range) };
  const skewed = signMessage({ ...withBasis, basis: long }, lead);
  for (const blob of [levels, basisLevels]) await board.post(startBlobsTopic(id(skewed)), blob, signal);
  expect(await refusalOf(board.post(startsTopic, skewed, signal))).toBe('basisSkewed');
  expect(await readTopic(board, startsTopic, signal)).toEqual([]);

  expect(await post(federation, { base: other, sequence: 5, basis })).toMatchObject({ ok: true });
  expect(await board.read(sha256(basisLevels), signal)).toEqual(basisLevels);
  expect(await refusalOf(post(federation, { sequence: 5 }))).toBe('staleStart');
  await using member = await startMember(coordinator, federation, { name: 'dan', seed: 1, length });
  await federation.approve(await member.key(), 'dan');
  const refused = () => lastStanding(member)?.standing?.start?.refusal;
  expect(await until('dan refuses', refused, 20_000)).toBe('startBase');
  expect(lastStanding(member)?.adapter).toBeUndefined();
  // No plan, and no schedule, by a basis that its members would refuse.
  const privacy = { mechanism: 'client', memberVariance: 1, delta: 1e-5 } as const;
  const private48 = smallRound(48, { base, adapter, privacy, maxWeight: 1 });
  const orders = async (changes: Partial<RoundSettings>) => {
    const asked = { ...private48, ...changes };
    const refusals = [
      await refusalOf(federation.command({ do: 'start', settings: asked })),
      await refusalOf(federation.command({ do: 'schedule', settings: asked, everyMs: 60_000 })),
    ];
    return [...new Set(refusals)];
  };
  expect(await orders({ basis: other })).toEqual(['basisUnknown']);
  const foreign = (await federation.board.state(signal)).start?.id ?? '';
  expect(await orders({ basis: new Uint8Array(Buffer.from(foreign, 'hex')) })).toEqual(['startBase']);
  const bare = await post(federation, { sequence: 6 });
  if (!bare.ok) throw new Error(bare.refusal);
  expect(await orders({ basis: bare.value })).toEqual(['basisMissing']);
  const own = await post(federation, { sequence: 7, basis });
  if (!own.ok) throw new Error(own.refusal);
  expect(await orders({ basis: own.value, privacy: { mechanism: 'none' } })).toEqual(['basisMechanism']);
  expect(await orders({ basis: own.value, quantiser: settings.quantiser })).toEqual(['basisLength']);
  expect(await ada.newestRound()).toBeUndefined();
  expect((await federation.board.state(signal)).nextMs).toBeNull();

  const elsewhere = { ...settings, base: new Uint8Array(32).fill(5) };
  await federation.command({ do: 'start', settings: elsewhere });
  expect((await ada.newestRound())?.plan.parent).toBeNull();
});

it.skipIf('missing' in trainerHost())('the lead’s command trains a start on folders of code and posts it', async () => {
  await using coordinator = await startCoordinator();
  const federation = await foundFederation(coordinator);
  const { anchors, lead } = federation;
  const folder = await mkdtemp(join(tmpdir(), 'argot-start-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const as = join(folder, 'lead.json');
  const keys = { lead: hex(anchors.lead), secretKey: hex(lead.secretKey) };
  const { url } = coordinator;
  const leadFile = { url, federation: hex(anchors.federation), coordinator: hex(anchors.coordinator), ...keys };
  await writeFile(as, JSON.stringify(leadFile));
  const usual = defaultRoundSettings({ base: await sha256OfFile(modelPath()), adapter, length: 1 });
  const training = { ...usual.training, sequence: 64 };
  const settingsFile = join(folder, 'round.json');
  await writeFile(settingsFile, JSON.stringify({ ...usual, training }));
  const [code, little, empty] = [join(folder, 'code'), join(folder, 'little'), join(folder, 'empty')];
  for (const each of [code, little, empty]) await mkdir(each);
  for (const [i, { text }] of habitualExamples(20).entries()) await writeFile(join(code, `${i}.js`), text);
  for (const [i, { text }] of habitualExamples(3).entries()) await writeFile(join(little, `${i}.js`), text);
  const run = (from: string, ...more: readonly string[]) => {
    const args = [command, from, '--settings', settingsFile, '--model', modelPath(), '--as', as, '--windows', '4'];
    return promisify(execFile)(process.execPath, [...args, '--threads', '1', '--description', 'habits', ...more]);
  };
  await expect(run(empty)).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(/too little code/) });
  await expect(run(code, '--directions', '65')).rejects.toMatchObject({
    ...{ code: 2, stderr: expect.stringMatching(/^--directions is a whole number from 0 to 64\./) },
  });
  const both = join(folder, 'both.json');
  await writeFile(both, JSON.stringify({ ...usual, adapter: { ...adapter, matrices: 'both' } }));
  await expect(run(code, '--directions', '2', '--settings', both)).rejects.toMatchObject({
    ...{ code: 2, stderr: expect.stringMatching(/for adapters of B alone/) },
  });
  const { stdout } = await run(code, '--directions', '8');
  expect(stdout).toMatch(/Learnt from \d+ files\. On \d+ held-out files.*% less/);
  const [, share] = /8 directions of each matrix hold (\d+) % of the square/.exec(stdout) ?? [];
  // Of 576 and 192 directions, a few found on a little code of one kind.
  expect(Number(share)).toBeGreaterThan(30);
  expect(Number(share)).toBeLessThanOrEqual(100);
  const [message] = await readTopic(federation.board, startsTopic, signal);
  const start = openStart(message!, anchors);
  if (!start.ok) throw new Error(start.refusal);
  expect(start.value.body).toMatchObject({ description: 'habits', adapter });
  const blob = await federation.board.read(start.value.body.values, signal);
  expect(startValues(blob, start.value.body)).toMatchObject({ ok: true });
  const { body } = start.value;
  const basisBlob = await federation.board.read(body.basis?.values ?? body.values, signal);
  const found = startBasis(basisBlob, body);
  if (!found.ok) throw new Error(found.refusal);
  expect(found.value.directions).toBe(8);
  expect(found.value.matrices.map((matrix) => matrix.length).slice(0, 2)).toEqual([576 * 8, 192 * 8]);
  // One range for each matrix of B: q and v of thirty layers.
  expect(start.value.body.segments.map(({ length }) => length).slice(0, 2)).toEqual([8 * 576, 8 * 192]);
  expect(start.value.body.segments.length).toBe(60);
  // Too few windows for the usual groups of them: they are made smaller, so that there is a basis.
  expect((await run(little)).stdout).toMatch(/32 directions of each matrix hold/);
});
