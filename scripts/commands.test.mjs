import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { repository } from './setup/repository.mjs';

/** @param {string} script @param {string[]} args */
function call(script, ...args) {
  const file = path.join(repository, 'scripts', `${script}.mjs`);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], {
    encoding: 'utf8',
    timeout: 50_000,
  });
  return { status, stdout, stderr };
}

describe('a command given what it does not know', { timeout: 60_000 }, () => {
  it.each([
    ['start', ['--fodler', '.'], 'Usage: npm start'],
    ['start', ['--folder', '/nowhere/at/all'], '--folder names /nowhere/at/all, which does not exist.'],
    ['start', ['--folder', path.join(repository, 'package.json')], 'neither a folder nor a .code-workspace file'],
    ['start', ['--port', 'many'], '--port needs a number'],
    ['start', ['extra'], 'Usage: npm start'],
    ['package', [], '--target is missing'],
    ['package', ['--target', 'amiga'], 'There is no target “amiga”'],
    ['bench', [], 'Name a benchmark'],
    ['bench', ['../secrets'], 'Name a benchmark'],
  ])('npm run %s -- %j ends with code 1 and says what to do, without a stack', (script, args, sentence) => {
    const { status, stdout, stderr } = call(script, ...args);
    expect(stderr).toContain(sentence);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stdout).toBe('');
    expect(status).toBe(1);
  });

  it('shows its usage when asked', () => {
    expect(call('start', '--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('--folder PATH') });
  });
});
