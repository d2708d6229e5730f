import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { cacheFolder, installOnce } from '../../scripts/setup/cache.mjs';

const run = promisify(execFile);
const version = '1.41.0';
const script = join(import.meta.dirname, 'flower.py');

export interface FlowerCase {
  readonly members: number;
  readonly neighbours: number;
  /** Members that answer nothing after they have shared their keys. */
  readonly dropped: number;
  /** A file of raw float32: the update of every member. */
  readonly vector: string;
}

const resultSchema = z.object({
  memberMs: z.number(),
  coordinatorMs: z.number(),
  bytesPerMember: z.number(),
  largestError: z.number(),
});
export type FlowerResult = z.infer<typeof resultSchema>;

/** Flower from the package index, in a virtual environment in the user's cache folder; gives its Python. */
export async function provideFlower(progress: (line: string) => void): Promise<string> {
  const name = `flower-${version}`;
  const ready = join(cacheFolder(), name);
  const folder = existsSync(pythonIn(ready))
    ? ready
    : await installOnce(name, async (target: string) => {
        progress(`Installing Flower ${version} (pip)…`);
        try {
          await run(process.platform === 'win32' ? 'python' : 'python3', ['-m', 'venv', target]);
          await run(pythonIn(target), ['-m', 'pip', 'install', '--quiet', `flwr==${version}`]);
        } catch (error) {
          const why = error instanceof Error ? (error.message.trim().split('\n').at(-1) ?? '') : String(error);
          throw new Error(
            `Flower could not be installed. --peer needs Python 3.11 or newer with venv and pip, and a package index: ${why}`,
          );
        }
      });
  return pythonIn(folder);
}

/** One round of Flower's SecAgg+ in a process of its own. */
export async function runFlower(python: string, given: FlowerCase, signal: AbortSignal): Promise<FlowerResult> {
  const child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'pipe'], signal });
  const [output, errors, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve)),
    new Promise<void>((resolve) => child.stdin.end(JSON.stringify(given), resolve)),
  ]);
  if (code !== 0) throw new Error(`Flower’s round failed: ${errors.trim().split('\n').slice(-3).join(' ')}`);
  return resultSchema.parse(JSON.parse(output.trim().split('\n').at(-1) ?? ''));
}

async function text(stream: NodeJS.ReadableStream): Promise<string> {
  let all = '';
  for await (const piece of stream) all += String(piece);
  return all;
}

function pythonIn(folder: string): string {
  return process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python');
}
