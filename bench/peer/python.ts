import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../scripts/setup/cache.mjs';

const run = promisify(execFile);

/**
 * A Python with packages of the package index, pinned, in a virtual environment of its own in the user's cache folder. A
 * virtual environment knows its place, so it is made there and not moved.
 */
export async function providePython(
  name: string,
  packages: readonly string[],
  progress: (line: string) => void,
): Promise<string> {
  const folder = join(cacheFolder(), name);
  const marker = join(folder, 'complete');
  if (existsSync(marker)) return pythonIn(folder);
  progress(`Installing ${packages.join(', ')} (pip)…`);
  try {
    await run(process.platform === 'win32' ? 'python' : 'python3', ['-m', 'venv', '--clear', folder]);
    await run(pythonIn(folder), ['-m', 'pip', 'install', '--quiet', ...packages], { maxBuffer: 64 << 20 });
  } catch (error) {
    const why = error instanceof Error ? (error.message.trim().split('\n').at(-1) ?? '') : String(error);
    throw new Error(
      `${packages.join(', ')} could not be installed. --peer needs Python 3.11 or newer with venv and pip, and a package index: ${why}`,
    );
  }
  await writeFile(marker, '');
  return pythonIn(folder);
}

function pythonIn(folder: string): string {
  return process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python');
}
