import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newRoundFile, roundFilePath } from '#protocol/federation/roundDefaults.ts';
import { anchorsOf, enrolmentSchema } from '../../language-server/src/federation/enrolment.ts';
import { repositoryId } from '../../language-server/src/learning/example.ts';
import { openUserStore } from '../../language-server/src/store/userStore.ts';
import { newSigningKeys } from '../../protocol/src/federation/keys.ts';
import { type AdminMachine, adminMachine, canMakeMachine } from '../lib/adminMachine.ts';
import { type CoordinatorProcess, federationAt, startCoordinator } from '../lib/coordinator.ts';
import { habitualExamples } from '../lib/examples.ts';
import { joinFederation } from '../lib/simulatedMember.ts';
import { type Editor, openEditor } from './harness/editor.ts';
import { waitUntil } from './waits.ts';

const env = { ARGOT_FEDERATION_MS: '300' };
const files = { 'a.js': 'const a = 1;\n' };

let coordinator: CoordinatorProcess;
let machine: AdminMachine | undefined;
let lead: Editor;

/** Something to train on, as if it had been written in the workspace. */
async function withExamples(home: string): Promise<void> {
  const workspace = path.join(path.dirname(home), 'workspace');
  const repository = repositoryId({ uri: pathToFileURL(workspace).href, name: 'workspace' });
  await using user = await openUserStore(home, new AbortController().signal);
  for (const example of habitualExamples(16)) await user.store.add({ ...example, repository });
}

/** A number that the coordinator counts. */
async function counted(name: string): Promise<number> {
  const text = await fetch(`${coordinator.url}/metrics`).then((response) => response.text());
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
}

describe('a team in the editor', () => {
  beforeAll(async () => {
    coordinator = await startCoordinator();
    machine = canMakeMachine ? await adminMachine() : undefined;
    const prefix = machine === undefined ? {} : { prefix: machine.prefix };
    lead = await openEditor({ files, env, prepareHome: withExamples, ...prefix });
    await lead.statusBecomes(/ready/i);
  });
  afterAll(async () => {
    await lead?.close();
    await coordinator?.[Symbol.asyncDispose]();
    await machine?.[Symbol.asyncDispose]();
  });

  /** Answers the question of this title; the one before may still be closing. */
  async function enter(editor: Editor, title: string, text: string): Promise<void> {
    await editor.page.locator('.quick-input-title').filter({ hasText: title }).waitFor();
    await editor.page.locator('.quick-input-widget input').first().fill(text);
    await editor.press('Enter');
  }

  it('is founded by its lead, joined by a member who sees what would leave, and left again', async () => {
    const token = (await readFile(path.join(coordinator.data, 'founding-token'), 'utf8')).trim();
    await lead.runCommand('Argot: Enrol This Repository');
    await enter(lead, '(1/3)', coordinator.url);
    await enter(lead, '(2/3)', token);
    await enter(lead, '(3/3)', 'Ada');
    const told = await lead.notification(/Argot/, 20_000);
    expect(told.message).toMatch(/The repository is enrolled/);
    expect(await counted('argot_federations')).toBe(1);
    const text = await readFile(path.join(lead.workspace, '.argot', 'federation.json'), 'utf8');
    expect(enrolmentSchema.parse(JSON.parse(text)).coordinator.url).toBe(coordinator.url);
    // No secret of the lead is in the repository.
    expect(text).not.toMatch(/secret|token/i);

    await lead.runCommand('Argot: Edit Round Settings');
    await lead.page.locator('.tab.active').filter({ hasText: 'round.json' }).waitFor();
    const roundFile = path.join(lead.workspace, roundFilePath);
    expect(await readFile(roundFile, 'utf8')).toBe(newRoundFile());
    // The editor checks it by the schema.
    await writeFile(roundFile, '{"training": {"stepz": 3}}\n');
    await lead.page.locator('.squiggly-warning').first().waitFor();
    await writeFile(roundFile, newRoundFile());

    await lead.runCommand('Argot: Let a Member In');
    await lead.pick('Ada');
    await lead.notification(/Ada is in the team/);
    await waitUntil(async () => (await counted('argot_members')) === 1);
    await lead.runCommand('Argot: Focus on Federation View');
    const row = (text_: string | RegExp) => lead.page.locator('.pane-body .monaco-list-row').filter({ hasText: text_ });
    await row(/Joined as Ada.*You are in/)
      .first()
      .waitFor();
    await row(/Left this machine/)
      .first()
      .waitFor();

    await using member = await openEditor({ files: { ...files, '.argot/federation.json': text }, env });
    await member.notification(/This repository has a team/);
    await member.answerNotification('Show What Would Leave');
    const dialog = member.page.locator('.monaco-dialog-box');
    await dialog.waitFor();
    const said = await dialog.innerText();
    for (const part of [coordinator.url, 'one update', 'sealed shares', 'What never leaves: your code']) {
      expect(said).toContain(part);
    }
    await dialog.getByRole('button', { name: 'Join', exact: true }).click();
    await enter(member, 'Join the Team', 'Ben');
    await member.notification(/asked to be let in as Ben/);
    await lead.runCommand('Notifications: Clear All Notifications');
    // The request comes once the member's server has its model.
    const ben = lead.page.locator('.quick-input-list .monaco-list-row').filter({ hasText: 'Ben' });
    await waitUntil(async () => {
      await lead.runCommand('Argot: Let a Member In');
      const came = await ben.waitFor({ timeout: 4000 }).then(
        () => true,
        () => false,
      );
      if (!came) await lead.press('Escape');
      return came;
    }, 40_000);
    await lead.pick('Ben');
    await lead.notification(/Ben is in the team/);
    expect(await counted('argot_members')).toBe(2);

    await member.runCommand('Notifications: Clear All Notifications');
    await member.runCommand('Argot: Leave the Team');
    await dialog.waitFor();
    await dialog.getByRole('button', { name: 'Leave', exact: true }).click();
    await member.notification(/You have left the team/);
  });

  it.skipIf(!canMakeMachine)(
    'a round that runs is stopped by an admin file, and the view says who decided',
    async () => {
      const text = await readFile(path.join(lead.workspace, '.argot', 'federation.json'), 'utf8');
      const anchors = anchorsOf(enrolmentSchema.parse(JSON.parse(text)));
      // Two more members, let in like anybody.
      const federation = {
        ...federationAt(coordinator.url, anchors, newSigningKeys()),
        async approve(_key: Uint8Array, name: string) {
          await lead.runCommand('Notifications: Clear All Notifications');
          await lead.runCommand('Argot: Let a Member In');
          await lead.pick(name);
          await lead.notification(new RegExp(`${name} is in the team`));
        },
      };
      for (const name of ['Cleo', 'Dan']) await joinFederation(federation, name);
      await lead.runCommand('Argot: Start a Round');
      await lead.notification(/The round has begun/);
      await lead.runCommand('Argot: Focus on Federation View');
      const row = (about: RegExp) =>
        lead.page.locator('.pane-body .monaco-list-row').filter({ hasText: about }).first();
      await row(/Joined as Ada.*Round 1: this machine trains/).waitFor({ timeout: 60_000 });
      const before = performance.now();
      await machine?.install({ federation: false });
      await row(/Joined as Ada.*You take no part.*administrator/).waitFor({ timeout: 10_000 });
      // A look every 0.4 s, the end of the trainer, and what the editor takes to draw on a busy machine.
      expect(performance.now() - before).toBeLessThan(2000);
    },
  );
});
