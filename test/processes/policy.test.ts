import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmod, chown, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readLeftRequest } from '#protocol/ledger.ts';
import { effectivePolicyRequest, type PolicyView } from '#protocol/policy.ts';
import { fileServer } from '../../language-server/src/engine/testing/fileServer.ts';
import { signOrganisationPolicy } from '../../language-server/src/policy/organisationPolicy.ts';
import { type AdminMachine, adminMachine, canMakeMachine } from '../lib/adminMachine.ts';
import type { Client } from '../lib/client.ts';
import { modelPath, ownServer, until } from './setup.ts';

/** What “effective within a second” means. */
const withinMs = 1000;

async function valueNow(client: Client, field: string): Promise<string> {
  return rowOf(await client.connection.sendRequest(effectivePolicyRequest, null), field).value;
}

function rowOf(view: PolicyView, field: string) {
  const row = view.rows.find((each) => each.field === field);
  if (row === undefined) throw new Error(`No row for ${field}`);
  return row;
}

function signed(key: KeyObject, version: number, policy: unknown): Uint8Array {
  return signOrganisationPolicy(Buffer.from(JSON.stringify({ schema: 1, version, policy })), key);
}

function publicHex(key: KeyObject): string {
  return Buffer.from(String(key.export({ format: 'jwk' }).x), 'base64url').toString('hex');
}

describe.skipIf(!canMakeMachine)('the admin file at its real path', { timeout: 60_000 }, () => {
  it('holds within a second of each change, names its author, and goes when it is removed', async () => {
    await using machine = await adminMachine();
    await using own = await ownServer({ models: [], prefix: machine.prefix });
    await using client = await own.connect();
    expect(await valueNow(client, 'federation')).toBe('on');
    const before = performance.now();
    await machine.install({ federation: false, epsilonPerYear: 4 });
    await until('federation is off', async () => (await valueNow(client, 'federation')) === 'off', withinMs);
    expect(performance.now() - before).toBeLessThan(withinMs);
    const told = client.policies.last();
    expect(told && rowOf(told, 'federation')).toMatchObject({ origins: ['admin'], locked: true });
    await machine.install({ epsilonPerYear: 8 });
    await until('federation is on', async () => (await valueNow(client, 'federation')) === 'on', withinMs);
    expect(await valueNow(client, 'epsilonPerYear')).toBe('at most 8');
    await machine.remove();
    await until('nothing holds', async () => (await valueNow(client, 'epsilonPerYear')) === 'no limit', withinMs);
  });

  it('stops a download that it forbids within a second, with the field and its author', async () => {
    await using machine = await adminMachine();
    let hungUp = 0;
    await using hub = await fileServer(Buffer.concat([Buffer.from('GGUF'), Buffer.alloc(98_362_428)]), {
      chunkPauseMs: 5,
      onRequest: ({ socket }) => socket.once('close', () => (hungUp = performance.now())),
    });
    await using own = await ownServer({ models: [], prefix: machine.prefix });
    await using client = await own.connect({ settings: { hubEndpoint: hub.origin } });
    const running = client.downloadModel('smollm2-135m');
    await until('bytes come', () => client.progress.last()?.phase === 'downloading');
    const before = performance.now();
    await machine.install({ downloadSources: ['https://mirror.example'] });
    await until('the connection is closed', () => hungUp > 0);
    expect(hungUp - before).toBeLessThan(withinMs);
    // The other source is tried, and forbidden likewise.
    const outcome = await running;
    expect(outcome).toMatchObject({ ok: false, field: 'downloadSources' });
    expect(outcome.ok ? '' : outcome.message).toContain('this machine’s administrator');
    const { check, entries } = await client.connection.sendRequest(readLeftRequest, { newest: 10 });
    expect(check).toMatchObject({ ok: true });
    expect(entries[0]).toMatchObject({ kind: 'request', to: hub.origin, purpose: 'modelDownload' });
  });

  it('takes a model away that it forbids, and gives it back', async () => {
    await using machine = await adminMachine();
    await using own = await ownServer({ models: [modelPath()], prefix: machine.prefix });
    await using client = await own.connect();
    await until('the model is loaded', () => client.statuses.last()?.state === 'ready', 30_000);
    await machine.install({ modelHashes: ['ab'.repeat(32)] });
    await until('the model is gone', () => client.statuses.last()?.state === 'problem', 3000);
    expect(client.statuses.last()?.problem).toMatchObject({ code: 'policy' });
    expect(await client.useModel('smollm2-135m')).toMatchObject({ ok: false });
    await machine.install({ modelHashes: ['b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53'] });
    await until('the model is back', () => client.statuses.last()?.state === 'ready', 20_000);
  });
});

const strict = { federation: false, learning: false, epsilonPerYear: 2, exclude: ['private/**'] };

/** Each leaves things as loose as it can; after it nothing may be looser than the administrator said. */
const attacks: Readonly<Record<string, (machine: AdminMachine) => Promise<void>>> = {
  'nothing at all': async () => undefined,
  'a link in place of the file': async ({ folder }) => {
    const file = join(folder, 'policy.json');
    await rename(file, join(folder, 'real.json'));
    await symlink('real.json', file);
  },
  'a link to nowhere': async ({ folder }) => {
    await rm(join(folder, 'policy.json'));
    await symlink('/nowhere', join(folder, 'policy.json'));
  },
  'a link in place of the folder': async ({ folder }) => {
    await rename(folder, `${folder}.real`);
    await symlink('argot.real', folder);
  },
  'a folder that all may write, and no file': async ({ folder }) => {
    await chmod(folder, 0o777);
    await rm(join(folder, 'policy.json'));
  },
  'a file that all may write': ({ folder }) => chmod(join(folder, 'policy.json'), 0o666),
  'a file of another owner': ({ folder }) => chown(join(folder, 'policy.json'), 1234, 1234),
  'a folder in place of the file': async ({ folder }) => {
    await rm(join(folder, 'policy.json'));
    await mkdir(join(folder, 'policy.json'));
  },
  'an unknown field': ({ install }) => install({ ...strict, federaton: true }),
  'a newer schema': ({ install }) => install(JSON.stringify({ schema: 2, policy: { federation: true } })),
  'a value of another type': ({ install }) => install({ ...strict, federation: 'on' }),
  'no JSON': ({ install }) => install('federation: true'),
  'a field twice': ({ install }) => install('{"schema":1,"policy":{"federation":false,"federation":true}}'),
};

describe.skipIf(!canMakeMachine)('attacks loosen nothing', { timeout: 60_000 }, () => {
  it('by the file itself, whatever is done to it; and it is said', async () => {
    await using machine = await adminMachine();
    await using own = await ownServer({ models: [], prefix: machine.prefix });
    await using client = await own.connect();
    for (const [name, attack] of Object.entries(attacks)) {
      await machine.reset();
      await machine.install(strict);
      await until('the file holds', async () => (await valueNow(client, 'epsilonPerYear')) === 'at most 2');
      await attack(machine);
      const view = await until(
        name,
        async () => {
          const each = await client.connection.sendRequest(effectivePolicyRequest, null);
          return (name === 'nothing at all' || each.lockedDown.length > 0) && each;
        },
        withinMs + 500,
      );
      expect(rowOf(view, 'federation'), name).toMatchObject({ value: 'off', locked: true });
      expect(rowOf(view, 'learning').value, name).toBe('off');
      // What held before still holds, beyond what a lock-down shuts.
      expect(rowOf(view, 'epsilonPerYear').value, name).toBe('at most 2');
      expect(rowOf(view, 'exclude').value, name).toContain('private/**');
      await machine.reset();
      await until('nothing holds', async () => (await valueNow(client, 'epsilonPerYear')) === 'no limit');
    }
  });

  it('by settings of the user or the workspace, files of a repository, or the environment', async () => {
    await using machine = await adminMachine();
    await machine.install(strict);
    const loose = { federation: true, learning: true, network: true, epsilonPerYear: 1000, exclude: [] };
    const repository = join(machine.userHome, 'repository');
    await mkdir(join(repository, '.argot'), { recursive: true });
    await mkdir(join(repository, '.vscode'), { recursive: true });
    const text = JSON.stringify({ schema: 1, policy: loose });
    for (const name of ['.argot/policy.json', '.argot/federation.json', 'policy.json']) {
      await writeFile(join(repository, name), text);
    }
    await writeFile(join(repository, '.vscode', 'settings.json'), JSON.stringify({ 'argot.policy': loose }));
    await using own = await ownServer({
      models: [],
      prefix: machine.prefix,
      env: {
        HOME: repository,
        XDG_CONFIG_HOME: repository,
        XDG_DATA_HOME: repository,
        ProgramData: repository,
        ARGOT_POLICY: join(repository, 'policy.json'),
        ARGOT_ADMIN_FILE: join(repository, 'policy.json'),
      },
    });
    await writeFile(join(own.home, 'policy.json'), text);
    await using client = await own.connect({
      settings: { policy: loose, learning: true, federation: true },
      workspaceFolders: [{ uri: `file://${repository}`, name: 'repository' }],
    });
    expect(await valueNow(client, 'federation')).toBe('off');
    expect(await valueNow(client, 'learning')).toBe('off');
    expect(await valueNow(client, 'epsilonPerYear')).toBe('at most 2');
    expect(await valueNow(client, 'exclude')).toContain('private/**');
    expect(await valueNow(client, 'exclude')).toContain('**/.env');
    // A user may be stricter than the administrator, and only that.
    await client.configure({ policy: { epsilonPerYear: 1, federation: true } });
    await until('the user’s own limit', async () => (await valueNow(client, 'epsilonPerYear')) === 'at most 1');
    expect(await valueNow(client, 'federation')).toBe('off');
  });

  it('by an older signed policy, also under another ARGOT_HOME and after a restart', async () => {
    await using machine = await adminMachine();
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const anchor = { key: publicHex(publicKey) };
    await machine.install(JSON.stringify({ schema: 1, organisation: anchor, policy: {} }));
    const file = join(machine.folder, 'organisation.json');
    const check = async (expected: Readonly<Record<string, string>>, said?: RegExp): Promise<void> => {
      await using own = await ownServer({ models: [], prefix: machine.prefix });
      await using client = await own.connect();
      const view = await client.connection.sendRequest(effectivePolicyRequest, null);
      for (const [field, value] of Object.entries(expected)) expect(rowOf(view, field).value).toBe(value);
      if (said === undefined) expect(view.lockedDown).toEqual([]);
      else expect(view.lockedDown.join(' ')).toMatch(said);
    };
    await check({ federation: 'off', network: 'off' }, /is missing/);
    await writeFile(file, signed(privateKey, 1, { bytesPerRound: 999 }));
    await check({ federation: 'on', bytesPerRound: 'at most 999' });
    await writeFile(file, signed(privateKey, 2, { bytesPerRound: 10 }));
    await check({ bytesPerRound: 'at most 10' });
    // The older one, and none at all: the newest that was accepted holds.
    await writeFile(file, signed(privateKey, 1, { bytesPerRound: 999 }));
    await check({ bytesPerRound: 'at most 10' });
    await rm(file);
    await check({ bytesPerRound: 'at most 10' });
    // Another content under the same version, and another key: said, and shut.
    await writeFile(file, signed(privateKey, 2, { bytesPerRound: 5000 }));
    await check({ bytesPerRound: 'at most 10', federation: 'off' }, /differs from the version 2/);
    await writeFile(file, signed(generateKeyPairSync('ed25519').privateKey, 3, {}));
    await check({ bytesPerRound: 'at most 10', federation: 'off' }, /not signed by/);
  });
});
