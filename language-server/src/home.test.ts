import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { argotHome, modelsFolder } from './home.ts';

describe('argotHome', () => {
  it.each([
    ['linux', { XDG_DATA_HOME: '/data' }, '/data/argot'],
    ['linux', {}, '/home/ada/.local/share/argot'],
    ['darwin', {}, '/home/ada/Library/Application Support/Argot'],
    ['win32', { LOCALAPPDATA: 'C:\\Local' }, 'C:\\Local\\Argot'],
    ['linux', { ARGOT_HOME: '/elsewhere', XDG_DATA_HOME: '/data' }, '/elsewhere'],
  ])('on %s with %j is %s', (platform, env, home) => {
    expect(argotHome(env, platform, '/home/ada')).toBe(home);
  });
});

describe('modelsFolder', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'argot-home-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is made for the user alone', async () => {
    const home = join(folder, 'deep', 'home');
    expect(await modelsFolder(home)).toEqual({ ok: true, folder: join(home, 'models') });
    expect((await stat(join(home, 'models'))).mode & 0o777).toBe(0o700);
    expect(await modelsFolder(home)).toMatchObject({ ok: true });
  });

  it('tells why it can’t be made', async () => {
    await writeFile(join(folder, 'file'), '');
    expect(await modelsFolder(join(folder, 'file'))).toMatchObject({ ok: false, fault: { code: 'disk' } });
  });
});
