import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import {
  editorAddress,
  registerExtension,
  type ServedEditor,
  serveEditor,
  writeSettings,
} from '../../../scripts/setup/served-editor.mjs';
import { launchBrowser } from './browser.ts';
import { createFolders, type Folders, type Workspace } from './folders.ts';
import { endLanguageServer, languageServerLog, languageServerPid } from './languageServer.ts';
import { findTools, type Tools } from './tools.ts';
import { driveWindow, type EditorWindow } from './window.ts';

const repository = fileURLToPath(new URL('../../..', import.meta.url));
const screenshots = path.join(repository, '.cache', 'screenshots');
const startupPatienceMs = 60_000;

/** The editor's defaults, but for what shows things of its own or works on the files by itself. */
const quietSettings = {
  'chat.disableAIFeatures': true,
  // The editor's own JavaScript support would fetch type packages from the network.
  'typescript.disableAutomaticTypeAcquisition': true,
  'editor.wordBasedSuggestions': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  // In a browser the editor saves by itself; on the desktop it does not.
  'files.autoSave': 'off',
  'git.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
};

export type EditorOptions = Workspace & {
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Model files that the language server finds installed; the embedded default alone unless given. */
  readonly models?: readonly string[];
  /** Added to the environment of the editor and so of the language server. */
  readonly env?: Readonly<Record<string, string>>;
  /** A command that runs the editor, and so the language server, such as one that gives them a machine of their own. */
  readonly prefix?: readonly string[];
  /** Off as in most tests' folders; on shows VS Code's question whether the folder is trusted. */
  readonly workspaceTrust?: boolean;
  /** A folder that takes the place of ARGOT_HOME's `run`, where the server listens: to put something there first. */
  readonly run?: string;
  /** Puts something into ARGOT_HOME before the editor starts. */
  readonly prepareHome?: (home: string) => Promise<void>;
  /** A packaged extension to install instead of loading the repository's. */
  readonly vsix?: string;
};

/** A real VS Code with nothing shared but the machine. Its first window is driven directly. */
export interface Editor extends EditorWindow, AsyncDisposable {
  /** The private copy of what was opened. */
  readonly workspace: string;
  /** The language server's ARGOT_HOME. */
  readonly home: string;
  /** Where a packaged extension was installed. */
  readonly extensions: string;
  /** Another window on the same workspace, of the same user. */
  secondWindow(): Promise<EditorWindow>;
  /** The language server's process; undefined while none listens. */
  languageServerPid(): Promise<number | undefined>;
  /** Ends the editor, its browser and the language server that they caused, and removes their folders. */
  close(): Promise<void>;
}

/** Opens the editor on a workspace and waits until Argot shows its status item. */
export async function openEditor(options: EditorOptions): Promise<Editor> {
  const tools = await findTools();
  await using stack = new AsyncDisposableStack();
  const folders = stack.use(await createFolders(options, options.models ?? [tools.model]));
  await writeSettings(folders.data, { ...quietSettings, ...options.settings });
  await options.prepareHome?.(folders.home);
  if (options.run !== undefined) await symlink(options.run, path.join(folders.home, 'run'));
  if (options.vsix === undefined) await registerExtension(folders.extensions, repository);
  else await installVsix(tools, folders, options.vsix);

  const served = await serveEditor({
    node: tools.node,
    editor: tools.editor,
    dataFolder: folders.data,
    extensionsFolder: folders.extensions,
    argotHome: folders.home,
    env: options.env ?? {},
    workspaceTrust: options.workspaceTrust ?? false,
    prefix: options.prefix ?? [],
  });
  stack.defer(() => endLanguageServer(folders.home));
  stack.defer(served.close);
  const browser = stack.adopt(await launchBrowser(tools), (each) => each.close());
  const openWindow = await windowOpener(browser, served, folders);
  const first = await openWindow();

  const all = stack.move();
  const close = (): Promise<void> => all.disposeAsync();
  return {
    ...first,
    workspace: folders.workspace,
    home: folders.home,
    extensions: folders.extensions,
    secondWindow: openWindow,
    languageServerPid: () => languageServerPid(folders.home),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function windowOpener(
  browser: Browser,
  served: ServedEditor,
  folders: Folders,
): Promise<() => Promise<EditorWindow>> {
  // One context is one user: the windows share what the editor keeps in the browser.
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-US' });
  let count = 0;
  return async () => {
    const page = await context.newPage();
    const name = `${path.basename(folders.root)}-${++count}.png`;
    const explain = (): Promise<string> => describe(page, served, folders, name);
    await page.goto(editorAddress(served.port, { folder: folders.workspace }));
    const window = driveWindow(page, folders.workspace, explain);
    try {
      await page.locator('.statusbar-item[id^="argot.argot"]').first().waitFor({ timeout: startupPatienceMs });
    } catch {
      throw new Error(`Argot showed no status item within ${startupPatienceMs} ms.\n${await explain()}`);
    }
    return window;
  };
}

/** For the message of a failed step: the last look of the window, and what the processes behind it said. */
async function describe(page: Page, served: ServedEditor, folders: Folders, name: string): Promise<string> {
  await mkdir(screenshots, { recursive: true });
  const file = path.join(screenshots, name);
  const taken = await page.screenshot({ path: file, timeout: 5000 }).then(
    () => file,
    (error: Error) => error.message,
  );
  const log = (await languageServerLog(folders.home)) || 'nothing';
  return `screenshot: ${taken}\nlanguage server wrote: ${log}\neditor wrote: ${withoutKnownNoise(served.output()).slice(-2000)}`;
}

/** Native modules that no test needs are absent, which the editor tells at length. */
function withoutKnownNoise(output: string): string {
  return output
    .split('\n')
    .filter((line) => !/spdlog|vsda/.test(line))
    .join('\n');
}

/** As a user would by the editor's command line. */
async function installVsix(tools: Tools, folders: Folders, vsix: string): Promise<void> {
  const main = path.join(tools.editor, 'out', 'server-main.js');
  const where = ['--extensions-dir', folders.extensions, '--server-data-dir', folders.data];
  const child = spawn(tools.node, [main, '--install-extension', vsix, ...where], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`The editor did not install ${vsix}: ${output}`);
}
