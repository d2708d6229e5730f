import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheFolder } from '../../scripts/setup/cache.mjs';
import { launchBrowser } from './harness/browser.ts';
import { endLanguageServer } from './harness/languageServer.ts';
import { findTools } from './harness/tools.ts';
import { driveWindow } from './harness/window.ts';

const script = fileURLToPath(new URL('../../scripts/start.mjs', import.meta.url));

/** `npm start` as on a machine without a desktop VS Code, in a cache of its own that has the downloads already. */
describe('npm start', () => {
  let root = '';
  let child: ChildProcess | undefined;
  const home = (): string => path.join(root, 'argot-dev', 'home');

  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'argot-'));
    await mkdir(path.join(root, 'argot-dev'));
    for (const name of await readdir(cacheFolder())) {
      if (!/^(node|code-server)-/.test(name)) continue;
      await symlink(path.join(cacheFolder(), name), path.join(root, 'argot-dev', name));
    }
  });
  afterEach(async () => {
    if (child?.exitCode === null) {
      child.kill('SIGINT');
      await once(child, 'exit');
    }
    await endLanguageServer(home());
    await rm(root, { recursive: true, force: true, maxRetries: 5 });
  });

  async function start(...args: string[]): Promise<{ readonly address: string; readonly started: ChildProcess }> {
    const { model } = await findTools();
    const env = { ...process.env, XDG_CACHE_HOME: root, ARGOT_MODEL_PATH: model };
    const started = spawn(process.execPath, [script, '--browser', ...args], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child = started;
    let output = '';
    const printed = new Promise<string>((resolve) => {
      started.stdout.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        const address = /http:\S+(?=\s)/.exec(output)?.[0];
        if (address !== undefined) resolve(address);
      });
    });
    const ended = once(started, 'exit').then(() => {
      throw new Error(`npm start ended before it printed an address: ${output}`);
    });
    ended.catch(() => {});
    return { address: await Promise.race([printed, ended]), started };
  }

  it('serves the samples at the printed address, at a place that invites, with a model at work; Ctrl+C ends it', async () => {
    const { address, started } = await start();
    await using browser = await launchBrowser(await findTools());
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(address);
    const window = driveWindow(page, root, async () => address);
    await window.statusBecomes(/ready/i, 60_000);
    await page.locator('.statusbar-item').filter({ hasText: 'Ln 27, Col 3' }).waitFor({ timeout: 30_000 });
    await window.type('return ');
    expect(await window.ghostText()).not.toBe('');

    started.kill('SIGINT');
    expect(await once(started, 'exit')).toEqual([0, null]);
    await expect(fetch(address)).rejects.toThrow();
  });

  it('opens one’s own folder in restricted mode until it is trusted', async () => {
    const folder = path.join(root, 'own');
    await mkdir(folder);
    const { address } = await start('--folder', folder);
    await using browser = await launchBrowser(await findTools());
    const page = await browser.newPage();
    await page.goto(address);
    await page.locator('.statusbar-item').filter({ hasText: 'Restricted Mode' }).waitFor({ timeout: 60_000 });
  });

  it('opens an installed VS Code with Argot, the samples and the model', async () => {
    const bin = path.join(root, 'bin');
    await mkdir(bin);
    const record = path.join(root, 'call');
    // Stands in for VS Code's command, which this machine may lack: it tells how it was called.
    const stand = `#!/bin/sh\nprintf '%s\\n' "$ARGOT_HOME" "$@" > '${record}'\n`;
    await writeFile(path.join(bin, 'code'), stand, { mode: 0o755 });
    const { model } = await findTools();
    const PATH = `${bin}${path.delimiter}${process.env.PATH}`;
    const env = { ...process.env, PATH, XDG_CACHE_HOME: root, ARGOT_MODEL_PATH: model };
    const started = spawn(process.execPath, [script], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    expect(await once(started, 'close')).toEqual([0, null]);
    const [argotHome, ...args] = (await readFile(record, 'utf8')).trim().split('\n');
    expect(argotHome).toBe(home());
    expect(args).toContain(`--extensionDevelopmentPath=${path.resolve(path.dirname(script), '..')}`);
    expect(args.at(-1)).toMatch(/garden\.js:27:3$/);
    await expect(stat(path.join(home(), 'models', path.basename(model)))).resolves.toBeDefined();
  });

  it('lets nobody in without the token', async () => {
    const address = new URL((await start()).address);
    address.searchParams.delete('tkn');
    expect((await fetch(address)).status).toBe(403);
  });
});
