// Builds argot-trainer into dist/native/. The headers come from the llama.cpp release in node-llama-cpp's git bundle;
// nothing is linked, since ggml's libraries are found at run time. Quick when nothing changed.
//
//   node native/build.mjs [--sanitize] [--force]

import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const native = dirname(fileURLToPath(import.meta.url));
const root = dirname(native);
const exe = process.platform === 'win32' ? '.exe' : '';

/**
 * @typedef {{ readonly ok: true, readonly trainer: string, readonly makeModel: string, readonly kernelsTest: string, readonly gemmPeak: string }} Programs
 * @typedef {Programs | { readonly ok: false, readonly kind: 'tools' | 'broken', readonly missing: string }} Built
 * `missing` is one sentence: what is not there and what to do. `broken`: the tools are there and it did not compile.
 */

/** @param {string} command @param {readonly string[]} args */
async function works(command, args) {
  try {
    await run(command, args);
    return true;
  } catch {
    return false;
  }
}

/** @returns {Promise<string | undefined>} */
async function findCompiler() {
  const named = process.env.CXX;
  // Microsoft's compiler lacks the vector extension that the kernels are written in.
  const candidates = named ? [named] : process.platform === 'win32' ? ['clang++'] : ['c++', 'g++', 'clang++'];
  for (const compiler of candidates) if (await works(compiler, ['--version'])) return compiler;
  return undefined;
}

function howToInstall() {
  if (process.platform === 'darwin') return 'run `xcode-select --install` and `brew install cmake`';
  if (process.platform === 'win32') return 'run `winget install LLVM.LLVM Kitware.CMake Ninja-build.Ninja`';
  return 'install them, for example with `apt-get install g++ cmake make git`';
}

/** @returns {Promise<{ readonly compiler: string } | { readonly missing: string }>} */
async function findTools() {
  const compiler = await findCompiler();
  const lacks = [];
  if (compiler === undefined) lacks.push('a C++ compiler (GCC or Clang)');
  if (!(await works('cmake', ['--version']))) lacks.push('CMake');
  if (!(await works('git', ['--version']))) lacks.push('git');
  if (compiler !== undefined && lacks.length === 0) return { compiler };
  return {
    missing: `The trainer can't be built without ${lacks.join(' and ')}: ${howToInstall()}. Completions work without it.`,
  };
}

/**
 * Headers of the release that the installed libraries were built from.
 * @param {string} cache
 */
async function extractHeaders(cache) {
  const bundle = join(root, 'node_modules', 'node-llama-cpp', 'llama', 'gitRelease.bundle');
  if (!existsSync(bundle)) return undefined;
  const digest = createHash('sha256')
    .update(await readFile(bundle))
    .digest('hex')
    .slice(0, 16);
  const folder = join(cache, `ggml-${digest}`);
  const complete = join(folder, 'complete');
  if (!existsSync(complete)) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const repository = join(folder, 'git');
    await run('git', ['clone', '--quiet', '--bare', bundle, repository]);
    await run('git', [
      `--git-dir=${repository}`,
      `--work-tree=${folder}`,
      'checkout',
      '--quiet',
      'HEAD',
      '--',
      'ggml/include',
      'ggml/CMakeLists.txt',
    ]);
    await rm(repository, { recursive: true });
    await writeFile(complete, '');
  }
  const cmake = await readFile(join(folder, 'ggml', 'CMakeLists.txt'), 'utf8');
  const version = ['MAJOR', 'MINOR', 'PATCH'].map(
    (part) => new RegExp(`GGML_VERSION_${part} (\\d+)`).exec(cmake)?.[1] ?? '0',
  );
  return { include: join(folder, 'ggml', 'include'), version: version.join('.'), digest };
}

/**
 * A hash of all that decides the result, so that an unchanged tree is not even configured again.
 * @param {readonly string[]} settings
 */
async function fingerprint(settings) {
  const hash = createHash('sha256').update(settings.join('\n'));
  const files = [join(native, 'CMakeLists.txt')];
  for (const folder of ['src', join('src', 'kernels'), 'tests']) {
    const names = await readdir(join(native, folder)).catch(() => []);
    files.push(...names.filter((name) => /\.(cpp|h)$/.test(name)).map((name) => join(native, folder, name)));
  }
  for (const file of files.sort()) hash.update(file).update(await readFile(file));
  return hash.digest('hex');
}

/**
 * What would be built, from what and where to; `current` when it lies there already.
 *
 * @param {boolean} sanitize
 */
async function plan(sanitize) {
  const tools = await findTools();
  if ('missing' in tools) return tools;
  const cache = join(root, '.cache', 'native');
  const headers = await extractHeaders(cache);
  if (headers === undefined)
    return { missing: "The trainer can't be built before node-llama-cpp is installed: run `npm ci`." };
  const variant = sanitize ? 'sanitized' : 'release';
  const target = sanitize ? join(cache, 'sanitized-bin') : join(root, 'dist', 'native');
  const names = ['argot-trainer', 'argot-make-model', 'argot-kernels-test', 'argot-gemm-peak'].map(
    (name) => name + exe,
  );
  const [trainer = '', makeModel = '', kernelsTest = '', gemmPeak = ''] = names.map((name) => join(target, name));
  const stamp = join(target, 'stamp');
  const wanted = await fingerprint([variant, tools.compiler, headers.digest]);
  const had = await readFile(stamp, 'utf8').catch(() => '');
  /** @type {Programs} */
  const built = { ok: true, trainer, makeModel, kernelsTest, gemmPeak };
  const current = had === wanted && names.every((name) => existsSync(join(target, name)));
  return {
    compiler: tools.compiler,
    headers,
    target,
    names,
    stamp,
    wanted,
    built,
    current,
    build: join(cache, `build-${variant}`),
  };
}

/**
 * The programs, if they are built from the sources as they are now.
 *
 * @returns {Promise<Programs | undefined>}
 */
export async function findBuilt() {
  const planned = await alone(() => plan(false));
  return 'missing' in planned || !planned.current ? undefined : planned.built;
}

/**
 * Runs the work while no other process does: test files that start at once would build into one folder. The lock of a process that is
 * gone counts for nothing.
 *
 * @template Result
 * @param {() => Promise<Result>} work
 * @returns {Promise<Result>}
 */
async function alone(work) {
  const lock = join(root, '.cache', 'native', 'building');
  await mkdir(dirname(lock), { recursive: true });
  while (!(await take(lock))) {
    const owner = Number(await readFile(lock, 'utf8').catch(() => ''));
    if (owner > 0 && !isAlive(owner)) await rm(lock, { force: true });
    else await sleep(200);
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

/** @param {string} lock */
async function take(lock) {
  const own = `${lock}.${randomUUID()}`;
  await writeFile(own, String(process.pid));
  try {
    // A link is there with its content or not at all.
    await link(own, lock);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * @param {BuildOptions} [options]
 * @returns {Promise<Built>}
 */
export async function buildNative(options = {}) {
  return alone(() => build(options));
}

/**
 * @typedef {{ readonly sanitize?: boolean, readonly force?: boolean, readonly log?: (line: string) => void, readonly signal?: AbortSignal }} BuildOptions
 */

/**
 * @param {BuildOptions} options
 * @returns {Promise<Built>}
 */
async function build({ sanitize = false, force = false, log = () => {}, signal }) {
  const planned = await plan(sanitize);
  if ('missing' in planned) return { ok: false, kind: 'tools', missing: planned.missing };
  const { compiler, headers, target, names, stamp, wanted, built, build: folder } = planned;
  if (planned.current && !force) return built;

  log('Building the trainer…');
  const generator = process.platform === 'win32' ? ['-G', 'Ninja'] : [];
  const options = { maxBuffer: 64 << 20, ...(signal ? { signal } : {}) };
  try {
    await run(
      'cmake',
      [
        ...generator,
        ...['-S', native, '-B', folder, `-DCMAKE_CXX_COMPILER=${compiler}`, '-DCMAKE_BUILD_TYPE=Release'],
        ...[
          `-DARGOT_GGML_INCLUDE=${headers.include}`,
          `-DARGOT_GGML_VERSION=${headers.version}`,
          `-DARGOT_SANITIZE=${sanitize ? 'ON' : 'OFF'}`,
        ],
      ],
      options,
    );
    await run('cmake', ['--build', folder, '--parallel', process.env.ARGOT_BUILD_JOBS ?? '2'], options);
  } catch (error) {
    if (signal?.aborted) throw error;
    const output =
      error instanceof Error && 'stdout' in error
        ? `${error.stdout}\n${'stderr' in error ? error.stderr : ''}`
        : String(error);
    const first = output.split('\n').find((line) => /error/i.test(line)) ?? output.trim().slice(0, 500);
    return {
      ok: false,
      kind: 'broken',
      missing: `The trainer did not compile: ${first.trim()} (see ${folder}; \`npm run build:native -- --force\` tries again).`,
    };
  }
  await mkdir(target, { recursive: true });
  await rm(stamp, { force: true });
  for (const name of names) {
    // A trainer that runs keeps its file: the new one takes the name, not the bytes.
    await rm(join(target, name), { force: true });
    await copyFile(join(folder, name), join(target, name));
  }
  await writeFile(stamp, wanted);
  log(`Built ${built.trainer}`);
  return built;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const built = await buildNative({
    sanitize: process.argv.includes('--sanitize'),
    force: process.argv.includes('--force'),
    log: console.log,
  });
  if (!built.ok) {
    console.error(built.missing);
    process.exitCode = 1;
  }
}
