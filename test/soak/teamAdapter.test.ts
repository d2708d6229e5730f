import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { dashboardRequest } from '#protocol/dashboard.ts';
import { enrolRequest, federationViewRequest, leadActionRequest } from '#protocol/federationViews.ts';
import { learningStateRequest } from '#protocol/learningRuns.ts';
import { anchorsOf, type Enrolment, enrolmentSchema } from '../../language-server/src/federation/enrolment.ts';
import { repositoryId } from '../../language-server/src/learning/example.ts';
import { startTrainer } from '../../language-server/src/learning/trainer.ts';
import { trainerCommands } from '../../language-server/src/learning/trainerMessages.ts';
import { openUserStore } from '../../language-server/src/store/userStore.ts';
import { keyPairFrom } from '../../protocol/src/federation/keys.ts';
import type { Outcome } from '../../protocol/src/federation/refusal.ts';
import { defaultRoundSettings, settingsFromFile } from '../../protocol/src/federation/roundSettings.ts';
import { roundStart } from '../../protocol/src/federation/start.ts';
import { postStart } from '../../protocol/src/federation/startFile.ts';
import { connectTo } from '../lib/client.ts';
import { federationAt, startCoordinator } from '../lib/coordinator.ts';
import { keepSecrets } from '../lib/editorSecrets.ts';
import { habitualExamples } from '../lib/examples.ts';
import { realEngine, trainerHost } from '../lib/learning.ts';
import { createHome, startServer } from '../lib/server.ts';
import { joinFederation, type SimulatedMember } from '../lib/simulatedMember.ts';
import { modelPath, until } from '../processes/setup.ts';

const { signal } = new AbortController();
const host = trainerHost();
const steps = 12;
/** Much more, and members take what narrow habits do to other code for poison. */
const learningRate = 0.002;
const training = { probeTokens: 512, tickMs: 1e8 };
const examples = habitualExamples(40);
/** What the habit says next, and the base model does not. */
const asked = `${examples[39]?.text.split('\n').slice(0, 3).join('\n')}\n  return`;

/**
 * A coordinator, a language server with the real model as one member, a start with a little of what was learnt of a habit, and
 * two members who send what the test gives them: first the rest of it, then its opposite.
 */
it.skipIf('missing' in host)(
  'completions follow the team’s adapter where it is better here, and not where it is worse',
  async () => {
    if ('missing' in host) return;
    await using stack = new AsyncDisposableStack();
    const coordinator = stack.use(await startCoordinator());
    const repository = await mkdtemp(join(tmpdir(), 'argot-team-'));
    stack.defer(() => rm(repository, { recursive: true, force: true }));
    const folder = { uri: pathToFileURL(repository).href, name: 'garden' };
    const home = stack.use(await createHome([modelPath()]));
    {
      await using user = await openUserStore(home.path, signal);
      const own = { repository: repositoryId(folder) };
      for (const example of examples) await user.store.add({ ...example, ...own });
    }
    const env = { ARGOT_FEDERATION_MS: '500', ARGOT_TRAINING: JSON.stringify(training) };
    const server = stack.use(await startServer({ home: home.path, env }));
    const client = stack.use(await connectTo(server, { workspaceFolders: [folder] }));
    const secrets = keepSecrets(client);
    const token = (await readFile(join(coordinator.data, 'founding-token'), 'utf8')).trim();
    const params = { folder: folder.uri, url: coordinator.url, token, name: 'Ada' };
    await until('enrolled', async () => (await client.connection.sendRequest(enrolRequest, params)).ok, 60_000);
    const enrolment = enrolmentSchema.parse(
      JSON.parse(await readFile(join(repository, '.argot', 'federation.json'), 'utf8')),
    );
    const team = async () => (await client.connection.sendRequest(federationViewRequest, null)).teams[0];
    const key = await until('ada asks', async () => (await team())?.joining[0]?.key, 30_000);
    await client.connection.sendRequest(leadActionRequest, { do: 'approve', folder: folder.uri, key });
    await until('ada is in', async () => (await team())?.standing.startsWith('You are in'), 30_000);

    const secret = secrets.get(`argot.lead.${enrolment.federation}`) ?? '';
    const lead = keyPairFrom(new Uint8Array(Buffer.from(secret, 'base64')));
    const federation = federationAt(coordinator.url, anchorsOf(enrolment), lead);
    const good = await learntUpdate(enrolment.adapter, repository);
    let update = good.map((value) => 0.7 * value);
    const others: SimulatedMember[] = [];
    for (const name of ['Ben', 'Cleo']) others.push(await joinFederation(federation, name, { update: () => update }));

    async function play(number: number): Promise<string> {
      const { adapter, base } = enrolment;
      const usual = defaultRoundSettings({ base: base.sha256, adapter, length: good.length });
      const range = steps * learningRate;
      const round = settingsFromFile({
        ...{ ...usual, training: { steps: 2, packsPerStep: 1, sequence: 64, learningRate: 1e-3 } },
        ...{ quantiser: { ...usual.quantiser, segments: [{ length: good.length, range }] } },
        ...{ clipNorm: range * Math.sqrt(good.length), durationMs: 600_000 },
      });
      await federation.command({ do: 'start', settings: round });
      const opened = await until('the plan', async () => {
        const newest = await others[0]?.newestRound();
        return newest?.plan.round === number ? newest : undefined;
      });
      for (const other of others) await other.upload(opened);
      await until(
        'all uploads',
        async () => (await federation.board.state(signal)).round?.phase !== 'uploads',
        240_000,
      );
      for (const other of others) await other.serve(opened).catch(() => undefined);
      const judged = new RegExp(`^Round ${number}.* adapter`);
      return until(
        'judged',
        async () => {
          const standing = (await team())?.standing ?? '';
          return judged.test(standing) ? standing : undefined;
        },
        240_000,
      );
    }
    const inUse = async () =>
      (await client.connection.sendRequest(learningStateRequest, null)).versions.filter(
        ({ scale }) => scale !== undefined,
      );
    let opened = 0;
    async function said(): Promise<string> {
      const uri = `${folder.uri}/new-${opened++}.ts`;
      const document = await client.open({ uri, languageId: 'typescript', text: asked });
      const answer = await client.complete(document, asked.length);
      return answer.kind === 'items' ? String(answer.items[0]?.insertText) : answer.kind;
    }

    const before = await said();
    expect(before).not.toContain('ctx.seal');
    /** The team's adapter in use, once it is another than `last`. */
    const follows = (last?: string) =>
      until('the team’s adapter is in use', async () => (await inUse()).find(({ id }) => id !== last), 300_000);
    const begun = got(
      roundStart(
        good.map((value) => 0.3 * value),
        [good.length],
      ),
    );
    const { base, adapter } = enrolment;
    const shape = { base: new Uint8Array(Buffer.from(base.sha256, 'hex')), adapter, description: 'habits' };
    const file = { ...shape, segments: begun.segments, levels: begun.levels, basis: null };
    got(
      await postStart(federation.board, file, { federation: federation.anchors.federation, sequence: 1 }, lead, signal),
    );
    const start = await follows();
    expect(start).toMatchObject({ kind: 'team', origin: 'round', verdict: 'better' });
    expect((await team())?.standing).toMatch(/public code, and you use it\. It was trained on: habits$/);

    expect(await play(1)).toMatch(/better adapter, which you use/);
    const first = await follows(start.id);
    expect(first).toMatchObject({ kind: 'team', origin: 'round', verdict: 'better' });
    await until('completions are made with it', async () => (await said()).includes('ctx.seal'), 60_000);

    update = good.map((value) => -3 * value);
    expect(await play(2)).toMatch(/no better on your code/);
    // A little later than a step: nothing has followed.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect((await inUse()).map(({ id }) => id)).toEqual([first.id]);
    expect(await said()).toContain('ctx.seal');
    const { rounds } = await client.connection.sendRequest(dashboardRequest, null);
    expect(rounds).toMatchObject([
      { round: 0, outcome: expect.stringContaining('public code') },
      { team: basename(repository), round: 1, outcome: expect.stringContaining('better') },
      { round: 2, outcome: expect.stringContaining('no better') },
    ]);
    expect(rounds[0]?.gain).toBeGreaterThan(0);
    expect(rounds[1]?.gain).toBeGreaterThan(rounds[0]?.gain ?? 1);
    console.log(`Before: ${before}; ${JSON.stringify(rounds.map(({ gain, outcome }) => ({ gain, outcome })))}`);
  },
);

function got<Value>(outcome: Outcome<Value>): Value {
  if (!outcome.ok) throw new Error(outcome.refusal);
  return outcome.value;
}

/** What a member learns of the habit, as the difference that it sends. */
async function learntUpdate(adapter: Enrolment['adapter'], folder: string): Promise<Float32Array> {
  if ('missing' in host) throw new Error(host.missing);
  await using engine = await realEngine(modelPath());
  const [data, delta] = [join(folder, 'habit.jsonl'), join(folder, 'habit.f32')];
  const lines = examples.slice(0, 24).map(({ text }) => JSON.stringify({ tokens: engine.tokenize(text) }));
  await writeFile(data, `${lines.join('\n')}\n`);
  const { rank, alpha, targets, seed } = adapter;
  const request = { model: modelPath(), data, delta, steps, learningRate, seed, threads: 1, mode: 'b' as const };
  const more = { adapter: { rank, alpha, targets }, sequence: 256, packsPerStep: 1, warmupSteps: 2, clip: 1 };
  const outcome = await startTrainer(host, trainerCommands.train, { ...request, ...more }, signal).outcome;
  if (!outcome.ok) throw new Error(outcome.message);
  await rm(data);
  return new Float32Array(new Uint8Array(await readFile(delta)).buffer);
}
