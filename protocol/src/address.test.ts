import { describe, expect, it } from 'vitest';
import { folderComplaint, homeFolder, logFile, type Machine, serverAddress } from './address.ts';

const linux: Machine = {
  platform: 'linux',
  env: {},
  uid: 1000,
  userName: 'ada',
  userHome: '/home/ada',
  temporary: '/tmp',
};

describe('serverAddress', () => {
  it('prefers the folder that the system makes for the user', () => {
    expect(serverAddress({ ...linux, env: { XDG_RUNTIME_DIR: '/run/user/1000' } })).toEqual({
      kind: 'socket',
      folder: '/run/user/1000/argot',
      path: '/run/user/1000/argot/server.sock',
    });
  });

  it('falls back to a folder of the user in the temporary folder', () => {
    expect(serverAddress({ ...linux, temporary: '/var/tmp/' })).toMatchObject({
      path: '/var/tmp/argot-1000/server.sock',
    });
  });

  it('stands under ARGOT_HOME when that is set', () => {
    const env = { ARGOT_HOME: '/data/argot', XDG_RUNTIME_DIR: '/run/user/1000' };
    expect(serverAddress({ ...linux, env })).toMatchObject({ path: '/data/argot/run/server.sock' });
  });

  it('keeps homes with long paths apart, in sockets that fit', () => {
    const deep = `/data/${'deep/'.repeat(30)}`;
    const one = serverAddress({ ...linux, env: { ARGOT_HOME: `${deep}one` } });
    const two = serverAddress({ ...linux, env: { ARGOT_HOME: `${deep}two` } });
    expect(one.path).toMatch(/^\/tmp\/argot-1000-[0-9a-f]{16}\/server\.sock$/);
    expect(one.path).not.toBe(two.path);
  });

  it('counts bytes, not characters', () => {
    const home = `/data/${'é'.repeat(45)}`;
    expect(serverAddress({ ...linux, env: { ARGOT_HOME: home } }).path).toMatch(/^\/tmp\//);
  });

  it('uses /tmp when the temporary folder is too deep', () => {
    expect(serverAddress({ ...linux, temporary: `/build/${'x'.repeat(100)}` }).path).toBe(
      '/tmp/argot-1000/server.sock',
    );
  });

  it('is a pipe with a token on Windows, another one for each user', () => {
    const windows = { ...linux, platform: 'win32', uid: undefined, userHome: 'C:\\Users\\ada' };
    const address = serverAddress(windows);
    expect(address).toEqual({
      kind: 'pipe',
      path: expect.stringMatching(/^\\\\\.\\pipe\\argot-[0-9a-f]{16}$/),
      tokenFile: 'C:\\Users\\ada\\AppData\\Local\\Argot\\run\\token',
    });
    expect(serverAddress({ ...windows, userName: 'bob' }).path).not.toBe(address.path);
  });
});

it.each([
  [{ env: { ARGOT_HOME: '/data' } }, '/data'],
  [{ env: { XDG_DATA_HOME: '/data' } }, '/data/argot'],
  [{ env: {} }, '/home/ada/.local/share/argot'],
  [{ env: {}, platform: 'darwin', userHome: '/Users/ada' }, '/Users/ada/Library/Application Support/Argot'],
  [{ env: { LOCALAPPDATA: 'D:\\Local' }, platform: 'win32' }, 'D:\\Local\\Argot'],
])('keeps its data where the platform wants it: %j', (given, expected) => {
  expect(homeFolder({ ...linux, ...given })).toBe(expected);
  expect(logFile({ ...linux, ...given })).toMatch(/[/\\]server\.log$/);
});

describe('folderComplaint', () => {
  const good = { isDirectory: true, uid: 1000, mode: 0o40700 };
  it('has none about a folder of this user alone', () => {
    expect(folderComplaint('/run/argot', good, 1000)).toBeUndefined();
  });
  it.each([
    [{ ...good, uid: 0 }, 'belongs to another user'],
    [{ ...good, mode: 0o40755 }, 'chmod 700'],
    [{ ...good, isDirectory: false }, 'is not a folder'],
  ])('says what to do about %j', (stat, sentence) => {
    expect(folderComplaint('/run/argot', stat, 1000)).toContain(sentence);
  });
});
