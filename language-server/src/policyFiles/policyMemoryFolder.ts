import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { homeFolder } from '#protocol/address.ts';

/** Under the home that the system's own list of users names: the environment has no say in what was accepted before. */
export function policyMemoryFolder(): string {
  const { homedir: userHome, username: userName } = userInfo();
  const machine = { platform: process.platform, env: {}, uid: undefined, userName, userHome, temporary: tmpdir() };
  return join(homeFolder(machine), 'policy');
}
