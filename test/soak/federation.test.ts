import { expect, it } from 'vitest';
import { simulatedBase } from '../../demo/simulatedTrainer.ts';
import { roundTopic } from '../../protocol/src/federation/board.ts';
import { type CoordinatorProcess, foundFederation, startCoordinator, type TestFederation } from '../lib/coordinator.ts';
import { type MemberProcess, startMember } from '../lib/memberProcess.ts';
import { smallRound } from '../lib/simulatedMember.ts';

/**
 * kill -9 at random moments, again and again: the coordinator's or a member's. Each round ends, with a sum that all agree
 * on or with a reason. ARGOT_SOAK_KILLS says how many.
 */
const kills = Number(process.env.ARGOT_SOAK_KILLS ?? 100);
const length = 20_000;
const { signal } = new AbortController();
const adapter = { rank: 8, alpha: 16, targets: ['q', 'v'] as ('q' | 'v')[], matrices: 'b' as const, seed: 1 };
const settings = smallRound(length, {
  base: new Uint8Array(Buffer.from(simulatedBase, 'hex')),
  adapter,
  durationMs: 20_000,
});
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it(`rounds survive ${kills} kills of the coordinator and as many of members`, async () => {
  await using coordinator = await startCoordinator(['--release-window-minutes', '1']);
  const federation = await foundFederation(coordinator);
  await using stack = new AsyncDisposableStack();
  const members: MemberProcess[] = [];
  for (const [seed, name] of ['ada', 'ben', 'cleo', 'dan', 'eve'].entries()) {
    const member = stack.use(await startMember(coordinator, federation, { name, seed, length, trainingMs: 300 }));
    await federation.approve(await member.key(), name);
    members.push(member);
  }
  let [killed, published, failed] = [0, 0, 0];
  const playing = new AbortController();
  const killer = (async () => {
    while (killed < kills && !playing.signal.aborted) {
      await pause(Math.random() * 900);
      const victim = members[Math.floor(Math.random() * members.length)];
      await victim?.kill();
      victim?.start();
      await pause(Math.random() * 900);
      await coordinator.kill();
      await coordinator.start();
      killed++;
    }
  })();
  try {
    while (killed < kills) {
      const outcome = await playRound(coordinator, federation, members);
      if (outcome === 'published') published++;
      else if (outcome === 'failed') failed++;
    }
    await killer;
  } finally {
    playing.abort();
    await killer;
  }
  // And quietly once more, to the end.
  expect(await playRound(coordinator, federation, members)).toBe('published');
  console.log(`${killed} kills each; ${published} rounds published, ${failed} failed closed`);
  expect(published).toBeGreaterThan(0);
  const trouble = members.flatMap((member) => member.said().filter(({ at }) => at === 'trouble'));
  const outages = /fetch|ECONN|socket|other side|aborted|UND_ERR|no answer|late|roundOver|too far/i;
  expect(trouble.filter(({ message = '' }) => !outages.test(message))).toEqual([]);
});

/** Starts a round, unless one goes on, and waits for its end as the coordinator tells it. */
async function playRound(
  coordinator: CoordinatorProcess,
  federation: TestFederation,
  members: readonly MemberProcess[],
): Promise<'published' | 'failed' | 'notStarted'> {
  const state = async () => (await persist(() => federation.board.state(signal))).round;
  const before = (await state())?.number ?? 0;
  await federation.command({ do: 'start', settings }).catch(() => undefined);
  for (;;) {
    const round = await state();
    if (round === null || round.number === before) {
      const isOver = round === null || round.phase === 'published' || round.phase === 'failed';
      if (isOver) return 'notStarted';
    } else if (round.phase === 'published' || round.phase === 'failed') {
      const plan = new Uint8Array(Buffer.from(round.plan, 'hex'));
      const outcomes = await persist(() => federation.board.list(roundTopic(plan, 'outcome'), signal));
      const sets = await persist(() => federation.board.list(roundTopic(plan, 'survivors'), signal));
      // One outcome and at most one survivor set, whatever was killed in between.
      expect(outcomes.length).toBe(1);
      expect(sets.length).toBeLessThanOrEqual(1);
      if (round.phase === 'failed') return 'failed';
      await agreed(members, round.number);
      return 'published';
    }
    await pause(100);
    if (coordinator.pid() === 0) throw new Error('The coordinator is gone.');
  }
}

/** The members that have judged the round have one and the same adapter after it. */
async function agreed(members: readonly MemberProcess[], round: number): Promise<void> {
  const adapters = members.flatMap((member) => {
    const line = member.said().findLast(({ standing }) => standing?.kind === 'judged' && standing.round === round);
    return line?.adapter === undefined ? [] : [line.adapter.split('/').at(-1)];
  });
  expect(new Set(adapters).size).toBeLessThanOrEqual(1);
}

/** Again, until the coordinator is back. */
async function persist<Value>(ask: () => Promise<Value>): Promise<Value> {
  for (;;) {
    try {
      return await ask();
    } catch {
      await pause(50);
    }
  }
}
