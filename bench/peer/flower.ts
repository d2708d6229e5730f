import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import { providePython } from './python.ts';

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
export function provideFlower(progress: (line: string) => void): Promise<string> {
  return providePython(`flower-${version}`, [`flwr==${version}`], progress);
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
