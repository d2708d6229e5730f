import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cacheFolder, exists, installOnce } from './cache.mjs';
import { npm } from './commands.mjs';
import { SetupFailure } from './failure.mjs';
import { notices } from './notices.mjs';
import { repository } from './repository.mjs';

/** The package that holds llama.cpp's binaries, by the editor's name of the platform: CPU, and Metal where there is it. */
export const binaryPackages = /** @type {const} */ ({
  'linux-x64': '@node-llama-cpp/linux-x64',
  'linux-arm64': '@node-llama-cpp/linux-arm64',
  'darwin-x64': '@node-llama-cpp/mac-x64',
  'darwin-arm64': '@node-llama-cpp/mac-arm64-metal',
  'win32-x64': '@node-llama-cpp/win-x64',
  'win32-arm64': '@node-llama-cpp/win-arm64',
});

/** @typedef {keyof typeof binaryPackages} Target */

const required = [
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'dist/extension.cjs',
  'dist/language-server.mjs',
  'dist/index-process.mjs',
  'dist/webview/dashboard.js',
  'dist/webview/dashboard.css',
  'dist/bundled.json',
];
const optional = ['media', 'l10n', 'schemas'];
/** In package.json for those who build Argot, not for those who install it. */
const buildOnly = ['private', 'scripts', 'imports', 'dependencies', 'devDependencies', 'overrides'];

/**
 * What node-llama-cpp needs only to be built, or not at all: sources, their history, typings, maps, project templates.
 * Licences stay.
 */
const unneeded = [
  /\.(map|d\.ts|d\.mts|d\.cts|tsbuildinfo)$/,
  /(^|\/)(README|CHANGELOG|HISTORY)[^/]*$/i,
  /^node_modules\/node-llama-cpp\/templates(\/|$)/,
  /^node_modules\/node-llama-cpp\/llama\/(gitRelease\.bundle|CMakeLists\.txt|addon|cmake|patches|profiles|toolchains|xpack)(\/|$)/,
];

/**
 * Fills a folder with what one platform's package contains.
 *
 * @param {string} folder
 * @param {Target} target
 * @param {(line: string) => void} note
 */
export async function stage(folder, target, note) {
  await stageExtension(folder);
  await stageTrainer(folder, target, note);
  const lock = JSON.parse(await readFile(path.join(repository, 'package-lock.json'), 'utf8')).packages;
  // Beside the bundles, where Node looks first; a folder “node_modules” at the top is left out by the packager.
  const modules = path.join(folder, 'dist');
  const roots = ['node_modules/node-llama-cpp', 'node_modules/@vscode/tree-sitter-wasm'];
  for (const place of roots.flatMap((root) => closure(lock, root)))
    await copyPackage(path.join(repository, place), modules, place);
  const name = binaryPackages[target];
  const place = `node_modules/${name}`;
  await copyPackage(await binaryFolder(target, lock[place], note), modules, place);
}

/** @param {string} folder */
async function stageExtension(folder) {
  for (const file of required) {
    if (!(await exists(path.join(repository, file))))
      throw new SetupFailure(`${file} is missing: a package needs it, so add it first.`);
  }
  await mkdir(path.join(folder, 'dist'), { recursive: true });
  const manifest = JSON.parse(await readFile(path.join(repository, 'package.json'), 'utf8'));
  for (const key of buildOnly) delete manifest[key];
  await writeFile(path.join(folder, 'package.json'), JSON.stringify(manifest, undefined, 2));
  const translations = (await readdir(repository)).filter((file) => /^package\.nls(\.[\w-]+)?\.json$/.test(file));
  for (const file of ['README.md', 'CHANGELOG.md', 'LICENSE', ...translations, ...optional]) {
    const from = path.join(repository, file);
    if (await exists(from)) await cp(from, path.join(folder, file), { recursive: true });
  }
  await cp(path.join(repository, 'dist'), path.join(folder, 'dist'), {
    recursive: true,
    filter: (file) => !/[\\/]dist[\\/](types|native|\.built|bundled\.json)$|\.map$/.test(file),
  });
  // All that is staged is meant: nothing is left to ignore.
  await writeFile(path.join(folder, '.vscodeignore'), '');
  const bundled = JSON.parse(await readFile(path.join(repository, 'dist', 'bundled.json'), 'utf8'));
  await writeFile(path.join(folder, 'THIRD-PARTY-NOTICES.txt'), await notices(bundled));
}

/**
 * The trainer is compiled on the platform that it runs on; a package that is made elsewhere completes code and can't learn.
 *
 * @param {string} folder
 * @param {Target} target
 * @param {(line: string) => void} note
 */
async function stageTrainer(folder, target, note) {
  const program = path.join('dist', 'native', target.startsWith('win32') ? 'argot-trainer.exe' : 'argot-trainer');
  const from = path.join(repository, program);
  if (target !== `${process.platform}-${process.arch}` || !(await exists(from))) {
    note(`the package for ${target} has no trainer: package it on such a machine, with a C++ compiler and CMake`);
    return;
  }
  await mkdir(path.join(folder, 'dist', 'native'));
  await cp(from, path.join(folder, program));
}

/**
 * The places in node_modules of a package and of all that it depends on, without what is optional.
 *
 * @param {Record<string, { dependencies?: Record<string, string> }>} lock the packages of package-lock.json
 * @param {string} root
 * @returns {string[]}
 */
export function closure(lock, root) {
  /** @type {Set<string>} */
  const found = new Set();
  const open = [root];
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (found.has(place)) continue;
    found.add(place);
    for (const name of Object.keys(lock[place]?.dependencies ?? {})) open.push(resolve(lock, place, name));
  }
  return [...found].sort();
}

/**
 * Where Node finds a package when the one at `from` asks for it.
 *
 * @param {Record<string, unknown>} lock
 * @param {string} from
 * @param {string} name
 */
function resolve(lock, from, name) {
  for (let place = from; ; place = place.slice(0, Math.max(0, place.lastIndexOf('/node_modules/')))) {
    const candidate = `${place === '' ? '' : `${place}/`}node_modules/${name}`;
    if (lock[candidate] !== undefined) return candidate;
    if (place === '')
      throw new SetupFailure(`package-lock.json lacks ${name}, which ${from} needs: run “npm install”.`);
  }
}

/**
 * @param {string} from
 * @param {string} modules the folder in which `place` lies
 * @param {string} place such as `node_modules/zod`
 */
async function copyPackage(from, modules, place) {
  await cp(from, path.join(modules, place), {
    recursive: true,
    filter: (file) => {
      const inside = path.relative(from, file).replaceAll('\\', '/');
      // Packages inside this one are copied by themselves if they are needed.
      if (inside === 'node_modules' || inside.startsWith('node_modules/')) return false;
      return inside === '' || !unneeded.some((pattern) => pattern.test(`${place}/${inside}`));
    },
  });
}

/**
 * The target's binaries: installed already on this platform, otherwise fetched, and only what the lock file names.
 *
 * @param {Target} target
 * @param {{ version: string, integrity: string } | undefined} locked
 * @param {(line: string) => void} note
 * @returns {Promise<string>}
 */
async function binaryFolder(target, locked, note) {
  const name = binaryPackages[target];
  if (locked === undefined)
    throw new SetupFailure(`package-lock.json lacks ${name}: run “npm install” on a registry that has it.`);
  const place = path.join('node_modules', ...name.split('/'));
  if (await exists(path.join(repository, place, 'bins'))) return path.join(repository, place);
  const cached = `llama-${target}-${locked.version}`;
  const folder = path.join(cacheFolder(), cached);
  if (!(await exists(folder))) {
    await installOnce(cached, async (staging) => {
      await writeFile(path.join(staging, 'package.json'), '{"private":true}');
      // Forced, since the package is for another platform than this one.
      await npm(['install', '--ignore-scripts', '--no-save', '--force', `${name}@${locked.version}`], {
        cwd: staging,
        onLine: note,
        failure: `${name} could not be fetched: check the network, or package ${target} on a machine of that platform.`,
      });
      const record = JSON.parse(await readFile(path.join(staging, 'node_modules', '.package-lock.json'), 'utf8'));
      if (record.packages[`node_modules/${name}`]?.integrity !== locked.integrity) {
        throw new SetupFailure(`${name} is not the file that package-lock.json names: don’t use this registry.`);
      }
    });
  }
  return path.join(folder, place);
}
