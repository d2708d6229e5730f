import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { setUpServedEditor } from '../setup.mjs';
import { cacheFolder, exists } from './cache.mjs';
import { which } from './commands.mjs';
import { developmentHome, installModel } from './model.mjs';
import { repository } from './repository.mjs';
import { editorAddress, registerExtension, serveEditor, writeSettings } from './served-editor.mjs';

const dataFolder = path.join(cacheFolder(), 'browser');
const extensionsFolder = path.join(cacheFolder(), 'browser-extensions');

/** A first start shows the code and the suggestion, not the editor's other offers. */
const firstSettings = {
  'chat.disableAIFeatures': true,
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
};

/**
 * Serves the editor until Ctrl+C and prints its address. The address carries a token, since another user of this machine
 * could otherwise open it.
 *
 * @param {import('../start.mjs').Place} place
 * @param {number | undefined} port
 */
export async function openBrowserEditor(place, port) {
  const { node, editor, model } = await setUpServedEditor();
  await installModel(model);
  await registerExtension(extensionsFolder, repository);
  if (!(await exists(path.join(dataFolder, 'data', 'User', 'settings.json'))))
    await writeSettings(dataFolder, firstSettings);
  const token = randomBytes(16).toString('hex');
  const stop = new AbortController();
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) process.on(signal, () => stop.abort());
  const served = await serveEditor({
    ...{ node, editor, dataFolder, extensionsFolder, token },
    argotHome: developmentHome(),
    workspaceTrust: !place.trusted,
    signal: stop.signal,
    ...(port === undefined ? {} : { port }),
  });
  const address = editorAddress(served.port, { ...place, token });
  process.stdout.write(
    `\nThe editor is served at\n\n  ${address}\n\nOpen it in a browser on this machine. Ctrl+C ends it.\n`,
  );
  openInBrowser(address);
  await Promise.race([
    served.exited,
    new Promise((resolve) => stop.signal.addEventListener('abort', resolve, { once: true })),
  ]);
  if (!stop.signal.aborted) {
    process.stderr.write(
      `${served.output().trim().slice(-2000)}\nargot: The editor's server ended by itself: run “npm start” again.\n`,
    );
    return 1;
  }
  await served.close();
  return 0;
}

/**
 * Best effort: the printed address is enough.
 *
 * @param {string} address
 */
function openInBrowser(address) {
  const headless = process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY;
  if (headless || process.env.CI || !process.stdout.isTTY) return;
  const opener = process.platform === 'darwin' ? 'open' : process.platform === 'win32' ? 'explorer' : 'xdg-open';
  const command = which(opener);
  if (command === undefined) return;
  const child = spawn(command, [address], { stdio: 'ignore', detached: true });
  child.on('error', () => {});
  child.unref();
}
