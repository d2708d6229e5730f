import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { roundFilePath } from '#protocol/federation/roundDefaults.ts';
import {
  enrolRequest,
  federationViewRequest,
  joinRequest,
  leadActionRequest,
  leaveRequest,
} from '#protocol/federationViews.ts';
import { anchorsOf, enrolmentSchema } from '../../language-server/src/federation/enrolment.ts';
import { epsilonOf } from '../../language-server/src/federation/planCheck.ts';
import { keyPairFrom } from '../../protocol/src/federation/keys.ts';
import { federationAt, startCoordinator } from '../lib/coordinator.ts';
import { keepSecrets } from '../lib/editorSecrets.ts';
import { joinFederation } from '../lib/simulatedMember.ts';
import { ownServer, until } from './setup.ts';

it('a language server enrols, is let in, keeps its keys in the editor, and leaves', async () => {
  await using coordinator = await startCoordinator();
  const repository = await mkdtemp(join(tmpdir(), 'argot-team-'));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(repository, { recursive: true, force: true }));
  await using server = await ownServer({ env: { ARGOT_FEDERATION_MS: '200' } });
  const folder = pathToFileURL(repository).href;
  await using client = await server.connect({ workspaceFolders: [{ uri: folder, name: 'garden' }] });
  const secrets = keepSecrets(client);
  const view = async () => client.connection.sendRequest(federationViewRequest, null);
  expect(await view()).toEqual({ teams: [], complaints: [] });
  const token = (await readFile(join(coordinator.data, 'founding-token'), 'utf8')).trim();
  const enrol = (given: string) =>
    client.connection.sendRequest(enrolRequest, { folder, url: coordinator.url, token: given, name: 'Ada' });
  expect(
    await until(
      'a model',
      async () => {
        const outcome = await enrol('wrong');
        return /model first/.test(outcome.message) ? undefined : outcome;
      },
      30_000,
    ),
  ).toMatchObject({ ok: false, message: expect.stringMatching(/token/) });
  secrets.clear();
  expect(await enrol(token)).toMatchObject({ ok: true });
  const written = await readFile(join(repository, '.argot', 'federation.json'), 'utf8');
  for (const secret of secrets.values()) expect(written).not.toContain(secret);
  const waiting = await until('the request', async () => {
    const { teams } = await view();
    return teams[0]?.joining[0] === undefined ? undefined : teams[0];
  });
  expect(waiting).toMatchObject({ name: 'Ada', isLead: true, coordinator: coordinator.url, minimumCohort: 3 });
  const key = waiting.joining[0]?.key ?? '';
  expect(await client.connection.sendRequest(leadActionRequest, { do: 'approve', folder, key })).toMatchObject({
    ok: true,
  });
  const member = await until('being in', async () => {
    const [team] = (await view()).teams;
    return team?.standing.startsWith('You are in') ? team : undefined;
  });
  expect(member).toMatchObject({ members: 1, joining: [] });
  expect(member.sentBytes).toBeGreaterThan(0);
  // One is too few for a round: the coordinator's reason reaches the person.
  expect(await client.connection.sendRequest(leadActionRequest, { do: 'start', folder })).toMatchObject({
    ok: false,
    message: expect.stringMatching(/minimum cohort/),
  });
  const anchors = anchorsOf(enrolmentSchema.parse(JSON.parse(written)));
  const secret = secrets.get(`argot.lead.${member.federation}`) ?? '';
  const lead = keyPairFrom(new Uint8Array(Buffer.from(secret, 'base64')));
  const federation = federationAt(coordinator.url, anchors, lead);
  const nextMs = async () => (await federation.board.state(new AbortController().signal)).nextMs;
  const schedule = { do: 'schedule', folder, everyMs: 3_600_000 } as const;
  expect(await client.connection.sendRequest(leadActionRequest, schedule)).toMatchObject({ ok: true });
  expect(await nextMs()).toBeGreaterThan(0);
  expect(await client.connection.sendRequest(leadActionRequest, { do: 'unschedule', folder })).toMatchObject({
    ok: true,
  });
  expect(await nextMs()).toBeNull();
  // The repository's own settings: nothing begins with wrong ones, and the noise follows from epsilon.
  const roundFile = join(repository, roundFilePath);
  await writeFile(roundFile, '{"training": {"steps": 0}}');
  expect(await client.connection.sendRequest(leadActionRequest, { do: 'start', folder })).toEqual({
    ok: false,
    message: '.argot/round.json: “training.steps” must be a whole number from 1 to 1000000.',
  });
  const [ben] = [await joinFederation(federation, 'Ben'), await joinFederation(federation, 'Cleo')];
  expect(await ben.newestRound()).toBeUndefined();
  const wanted = { training: { steps: 2 }, privacy: { mechanism: 'client', epsilon: 8 }, durationMs: 600_000 };
  await writeFile(roundFile, JSON.stringify(wanted));
  expect(await client.connection.sendRequest(leadActionRequest, { do: 'start', folder })).toEqual({
    ok: true,
    message: 'The round has begun. Settings: .argot/round.json.',
  });
  const { plan } = await until('the plan', () => ben.newestRound());
  expect(plan).toMatchObject({ training: { steps: 2, sequence: 256 }, maxWeight: 1, quantiser: { bits: 10 } });
  expect(Math.abs(plan.deadlineMs - Date.now() - wanted.durationMs)).toBeLessThan(30_000);
  expect(epsilonOf(plan)).toBeGreaterThan(7.99);
  expect(epsilonOf(plan)).toBeLessThanOrEqual(8);
  expect(await client.connection.sendRequest(leadActionRequest, { do: 'stop', folder })).toMatchObject({ ok: true });
  expect(await client.connection.sendRequest(leaveRequest, { folder })).toMatchObject({ ok: true });
  expect((await view()).teams[0]?.name).toBeUndefined();
  // Only the lead's key is left.
  expect([...secrets.keys()].map((name) => name.split('.').slice(0, 2).join('.'))).toEqual(['argot.lead']);
  await mkdir(join(repository, '.argot'), { recursive: true });
  await writeFile(join(repository, '.argot', 'federation.json'), '{"schema": 1}');
  expect((await view()).complaints).toMatchObject([expect.stringMatching(/Ask your team’s lead/)]);
  expect(await client.connection.sendRequest(joinRequest, { folder, name: 'Ada' })).toMatchObject({ ok: false });
});
