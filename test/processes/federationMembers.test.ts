import { generateKeyPairSync } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { simulatedBase, simulatedUpdate } from '../../demo/simulatedTrainer.ts';
import { signOrganisationPolicy } from '../../language-server/src/policy/organisationPolicy.ts';
import { adminMachine, canMakeMachine } from '../lib/adminMachine.ts';
import { foundFederation, startCoordinator } from '../lib/coordinator.ts';
import { type MemberProcess, startMember } from '../lib/memberProcess.ts';
import { smallRound } from '../lib/simulatedMember.ts';
import { until } from './setup.ts';

const { signal } = new AbortController();
const length = 20_000;
const settings = smallRound(length, {
  base: new Uint8Array(Buffer.from(simulatedBase, 'hex')),
  adapter: { rank: 8, alpha: 16, targets: ['q', 'v'], matrices: 'b', seed: 1 },
});

const lastStanding = (member: MemberProcess) => member.said().findLast(({ at }) => at === 'standing');
const judged = (member: MemberProcess, round: number) => {
  const line = lastStanding(member);
  return line?.standing?.kind === 'judged' && line.standing.round === round ? line : undefined;
};

it('members killed at any step finish two rounds with one and the same adapter: the mean of their updates', async () => {
  await using coordinator = await startCoordinator();
  const federation = await foundFederation(coordinator);
  await using stack = new AsyncDisposableStack();
  const members: MemberProcess[] = [];
  for (const [seed, name] of ['ada', 'ben', 'cleo', 'dan'].entries()) {
    members.push(stack.use(await startMember(coordinator, federation, { name, seed, length, trainingMs: 800 })));
  }
  for (const [i, member] of members.entries()) await federation.approve(await member.key(), `member ${i}`);
  const seen = async () =>
    (await federation.board.state(signal)).members === 4 &&
    members.every((each) => lastStanding(each)?.standing?.kind === 'noRound');
  await until('all are in', seen, 20_000);
  await federation.command({ do: 'start', settings });
  // One is killed while it trains, one soon after, and each once more on the way.
  const [ada, ben, cleo] = members as [MemberProcess, MemberProcess, MemberProcess, MemberProcess];
  for (const [member, afterMs] of [
    [ada, 300],
    [ben, 500],
    [cleo, 300],
    [ada, 600],
    [ben, 300],
  ] as const) {
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await member.kill();
    member.start();
  }
  await until('all have judged round 1', () => members.every((member) => judged(member, 1)), 40_000);
  const files = await Promise.all(members.map((member) => readFile(judged(member, 1)?.adapter ?? '')));
  for (const file of files) expect(file.equals(files[0]!)).toBe(true);
  const mean = new Float32Array(new Uint8Array(files[0]!).buffer);
  expect(mean.length).toBe(length);
  const step = 1 / 127;
  let worst = 0;
  const updates = members.map((_, seed) => simulatedUpdate(length, seed));
  for (let i = 0; i < length; i++) {
    const expected = updates.reduce((sum, update) => sum + update[i]!, 0) / updates.length;
    worst = Math.max(worst, Math.abs(mean[i]! - expected));
  }
  expect(worst).toBeLessThanOrEqual(step);
  // The next round starts from there: its adapter is twice as far.
  await until('votes', async () => ((await federation.board.state(signal)).round?.votesFor ?? 0) === 4, 20_000);
  await federation.command({ do: 'start', settings });
  await until('all have judged round 2', () => members.every((member) => judged(member, 2)), 40_000);
  const second = new Float32Array(new Uint8Array(await readFile(judged(ada, 2)?.adapter ?? '')).buffer);
  expect(Math.abs(second[0]! - 0.4)).toBeLessThanOrEqual(2 * step);
  expect(members.flatMap((member) => member.said().filter(({ at }) => at === 'trouble'))).toEqual([]);
});

it('under client-level privacy the noise of all is in the sum, and each member’s spend is on record once, killed or not', async () => {
  await using coordinator = await startCoordinator();
  const federation = await foundFederation(coordinator);
  await using stack = new AsyncDisposableStack();
  const members: MemberProcess[] = [];
  for (const [seed, name] of ['ada', 'ben', 'cleo'].entries()) {
    members.push(stack.use(await startMember(coordinator, federation, { name, seed, length, trainingMs: 500 })));
  }
  for (const [i, member] of members.entries()) await federation.approve(await member.key(), `member ${i}`);
  const seen = async () =>
    (await federation.board.state(signal)).members === 3 &&
    members.every((each) => lastStanding(each)?.standing?.kind === 'noRound');
  await until('all are in', seen, 20_000);
  const memberVariance = 100;
  const privacy = { mechanism: 'client', memberVariance, delta: 1e-5 } as const;
  await federation.command({ do: 'start', settings: { ...settings, privacy, maxWeight: 1 } });
  const [ada] = members as [MemberProcess, MemberProcess, MemberProcess];
  for (const afterMs of [300, 400]) {
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await ada.kill();
    ada.start();
  }
  await until('all have judged round 1', () => members.every((member) => judged(member, 1)), 40_000);
  const files = await Promise.all(members.map((member) => readFile(judged(member, 1)?.adapter ?? '')));
  for (const file of files) expect(file.equals(files[0]!)).toBe(true);
  const mean = new Float32Array(new Uint8Array(files[0]!).buffer);
  const updates = members.map((_, seed) => simulatedUpdate(length, seed));
  let squares = 0;
  for (let i = 0; i < length; i++) {
    const expected = updates.reduce((sum, update) => sum + update[i]!, 0) / updates.length;
    squares += ((mean[i]! - expected) * 127) ** 2;
  }
  // Three members’ noise, of which the mean has a ninth; rounding adds at most a twelfth of a level each.
  expect(Math.abs(squares / length / (memberVariance / 3) - 1)).toBeLessThan(6 * Math.sqrt(2 / length) + 0.01);
  for (const { home } of members) {
    const lines = (await readFile(join(home, 'ledger', 'privacy.jsonl'), 'utf8')).trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      unit: 'member',
      release: { steps: 1, mechanism: { kind: 'skellamVector', variance: 2 * memberVariance } },
    });
    expect(judged(members[0]!, 1)?.standing?.judgement?.forecast).toMatch(/, as forecast of −\d+\.\d+ %\.$/);
  }
  // With noise that costs many times what is gained they refuse, each by its own measurement, and nothing is spent.
  await until('votes', async () => ((await federation.board.state(signal)).round?.votesFor ?? 0) === 3, 20_000);
  const loud = { ...privacy, memberVariance: 1e6 };
  await federation.command({ do: 'start', settings: { ...settings, privacy: loud, maxWeight: 1 } });
  const refuses = (member: MemberProcess) => lastStanding(member)?.standing?.objection?.kind === 'noGain';
  await until('all refuse', () => members.every(refuses), 20_000);
  for (const { home } of members) {
    expect((await readFile(join(home, 'ledger', 'privacy.jsonl'), 'utf8')).trimEnd().split('\n')).toHaveLength(1);
  }
});

it.skipIf(!canMakeMachine)(
  'the organisation’s policy reaches members by the coordinator, and an admin file stops a running round within a second',
  async () => {
    await using machine = await adminMachine();
    await using coordinator = await startCoordinator();
    const federation = await foundFederation(coordinator);
    await using stack = new AsyncDisposableStack();
    const members: MemberProcess[] = [];
    for (const [seed, name] of ['ada', 'ben', 'cleo'].entries()) {
      const own = name === 'ada' ? { trainingMs: 30_000, prefix: machine.prefix } : {};
      members.push(stack.use(await startMember(coordinator, federation, { name, seed, length, ...own })));
    }
    for (const [i, member] of members.entries()) await federation.approve(await member.key(), `member ${i}`);
    const seen = async () =>
      (await federation.board.state(signal)).members === 3 &&
      members.every((each) => lastStanding(each)?.standing?.kind === 'noRound');
    await until('all are in', seen, 20_000);
    const [ada, ben] = members as [MemberProcess, MemberProcess, MemberProcess];

    // The organisation's key is pinned on ada's machine, with a first version; the next one comes by the coordinator.
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const key = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex');
    const signed = (version: number, allowed: boolean, by = privateKey) =>
      signOrganisationPolicy(Buffer.from(JSON.stringify({ schema: 1, version, policy: { federation: allowed } })), by);
    const hand = (file: Uint8Array) => federation.board.post('policy', new Uint8Array(file), signal);
    await writeFile(join(machine.folder, 'organisation.json'), signed(1, true));
    await machine.install(JSON.stringify({ schema: 1, organisation: { key, minimumVersion: 1 }, policy: {} }));
    await hand(signed(5, false, generateKeyPairSync('ed25519').privateKey));
    await expect(hand(signed(5, true))).rejects.toMatchObject({ refusal: 'policyNotNewer' });
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(lastStanding(ada)?.standing?.kind).toBe('noRound');
    await hand(signed(6, false));
    await until('the organisation has stopped ada', () => lastStanding(ada)?.standing?.kind === 'forbidden', 3000);
    expect(lastStanding(ada)?.standing?.objection).toMatchObject({ refusal: { origins: ['organisation'] } });
    expect(lastStanding(ben)?.standing?.kind).toBe('noRound');
    await machine.reset();
    await until('ada is back', () => lastStanding(ada)?.standing?.kind === 'noRound', 3000);

    await federation.command({ do: 'start', settings });
    await until('the round runs', () => lastStanding(ben)?.standing?.kind === 'uploaded', 20_000);
    // Its step is not over: it trains.
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(lastStanding(ada)?.standing?.kind).toBe('noRound');
    await machine.install({ federation: false });
    await until('ada has stopped', () => lastStanding(ada)?.standing?.kind === 'forbidden', 1000);
    expect(lastStanding(ada)?.standing?.objection).toMatchObject({
      kind: 'policy',
      refusal: { field: 'federation', origins: ['admin'] },
    });
    await machine.remove();
  },
);
