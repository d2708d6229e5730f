import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, readdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { cacheFolder, installOnce } from '../../scripts/setup/cache.mjs';

const run = promisify(execFile);
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const releaseFile = at('../../node_modules/node-llama-cpp/llama/binariesGithubRelease.json');
const bundle = at('../../node_modules/node-llama-cpp/llama/gitRelease.bundle');
const recipe = at('../peer/CMakeLists.txt');

export interface LlamaServerBuild {
  readonly executable: string;
  readonly release: string;
  /** Where its ggml and llama come from. */
  readonly kernels: string;
}

/**
 * llama-server of the release that node-llama-cpp was made from, on the very libraries that node-llama-cpp ships. Built
 * once into the user's cache folder; minutes the first time. `ARGOT_LLAMA_SERVER` names a binary to use instead.
 */
export async function provideLlamaServer(progress: (line: string) => void): Promise<LlamaServerBuild> {
  const { release } = z.object({ release: z.string() }).parse(JSON.parse(await readFile(releaseFile, 'utf8')));
  const given = process.env.ARGOT_LLAMA_SERVER;
  if (given !== undefined && given !== '') {
    if (!existsSync(given))
      throw new Error(`ARGOT_LLAMA_SERVER names ${given}, which does not exist: correct or unset it.`);
    return { executable: given, release, kernels: 'its own, as ARGOT_LLAMA_SERVER names it' };
  }
  const libraries = await libraryFolder();
  const key = createHash('sha256')
    .update(await readFile(recipe))
    .update(await readFile(join(libraries, 'libllama-common.so')));
  const name = `llama-server-${release}-${process.arch}-${key.digest('hex').slice(0, 8)}`;
  const folder = existsSync(join(cacheFolder(), name, 'llama-server'))
    ? join(cacheFolder(), name)
    : await installOnce(name, (target) => buildInto(target, libraries, release, progress));
  return { executable: join(folder, 'llama-server'), release, kernels: 'the libraries that node-llama-cpp ships' };
}

async function libraryFolder(): Promise<string> {
  const platform = `linux-${process.arch}`;
  const folder = at(`../../node_modules/@node-llama-cpp/${platform}/bins/${platform}`);
  if (process.platform === 'linux' && existsSync(join(folder, 'libllama-common.so'))) return folder;
  throw new Error(
    'The peer is built on Linux only so far. Build llama-server of the same release yourself and name it in ARGOT_LLAMA_SERVER.',
  );
}

async function buildInto(
  target: string,
  libraries: string,
  release: string,
  progress: (line: string) => void,
): Promise<void> {
  for (const tool of ['git', 'cmake', 'ninja', 'c++']) await requireTool(tool);
  const work = join(tmpdir(), `argot-llama-server-${process.pid}`);
  try {
    progress(`Taking llama.cpp ${release} out of node-llama-cpp…`);
    const source = join(work, 'source');
    await run('git', ['-c', 'advice.detachedHead=false', 'clone', '--quiet', bundle, source]);
    const build = join(work, 'build');
    await run('cmake', [
      ...['-S', at('../peer'), '-B', build, '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=Release'],
      ...[`-DLLAMA_SOURCE=${source}`, `-DLLAMA_LIBRARIES=${libraries}`],
    ]);
    await compile(build, progress);
    await copyFile(join(build, 'llama-server'), join(target, 'llama-server'));
    for (const file of await readdir(libraries)) {
      if (file.endsWith('.so')) await copyFile(join(libraries, file), join(target, file));
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function requireTool(tool: string): Promise<void> {
  await run(tool, ['--version']).catch(() => {
    throw new Error(`Building the peer needs ${tool}. On Debian: apt-get install git cmake ninja-build g++`);
  });
}

/** At low priority, since a developer may go on working meanwhile; says every tenth step on one line each. */
function compile(build: string, progress: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const jobs = Math.min(2, availableParallelism());
    const child = spawn('nice', ['-n', '10', 'ninja', '-C', build, '-j', String(jobs), 'llama-server'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let shown = -1;
    let tail = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      tail = (tail + chunk).slice(-4000);
      const [, done, all] = /\[(\d+)\/(\d+)\][^[]*$/.exec(chunk) ?? [];
      const tenths = Math.floor((Number(done) / Number(all)) * 10);
      if (tenths > shown) progress(`Building llama-server: ${done} of ${all} files`);
      shown = Math.max(shown, tenths || 0);
    });
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0
        ? resolve()
        : reject(
            new Error(`llama-server could not be built:\n${tail}\nRemedy what it says and run the benchmark again.`),
          ),
    );
  });
}
