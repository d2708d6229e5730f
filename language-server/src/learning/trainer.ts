import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { z } from 'zod';
import {
  errorSchema,
  type TrainerCommand,
  type TrainerEvent,
  trainerEventSchema,
  type trainerProblems,
} from './trainerMessages.ts';

/**
 * The typed client of argot-trainer (native/). One request is one child process: training needs one of its own because
 * ggml may abort a process, and because it should run at the lowest priority.
 */
export interface TrainerHost {
  /** The program that `npm run build:native` makes. */
  readonly program: string;
  /** The folder of the ggml libraries that node-llama-cpp installed. */
  readonly libraries: string;
  /** Those of a variant that has code for a GPU, where one is installed: for a request with a `device` other than `cpu`. */
  readonly gpuLibraries?: string;
}

/**
 * Where the trainer and its libraries are, or one sentence on what is missing. `root` is the folder that holds `dist`: the
 * repository, or the installed extension, which has node-llama-cpp beside its bundles.
 */
export function findTrainer(root: string, platform: string, arch: string): TrainerHost | { readonly missing: string } {
  const program = join(root, 'dist', 'native', platform === 'win32' ? 'argot-trainer.exe' : 'argot-trainer');
  if (!existsSync(program)) {
    return {
      missing: existsSync(join(root, 'native', 'build.mjs'))
        ? 'Learning needs the trainer, which is not built: install a C++ compiler and CMake, then run `npm run build:native`.'
        : `Learning needs the trainer, which this package of Argot lacks: install the package made for ${platform}-${arch}.`,
    };
  }
  const libraries = findLibraries(root, platform, arch);
  const gpuLibraries = findLibraries(root, platform, arch, gpuVariants);
  if (libraries !== undefined) return { program, libraries, ...(gpuLibraries !== undefined && { gpuLibraries }) };
  return { missing: `Learning needs the libraries of node-llama-cpp for ${platform}-${arch}: reinstall Argot.` };
}

/** Of node-llama-cpp's libraries, those that have code for a GPU and are installed beside the others. */
export const gpuVariants: readonly string[] = ['-cuda', '-vulkan'];

/** The folder of node-llama-cpp's libraries below `root`, of the first of its variants that is installed. */
export function findLibraries(
  root: string,
  platform: string,
  arch: string,
  variants: readonly string[] = ['-metal', ''],
): string | undefined {
  const system = platform === 'win32' ? 'win' : platform === 'darwin' ? 'mac' : platform;
  const places = [join(root, 'dist', 'node_modules'), join(root, 'node_modules')];
  return variants
    .map((variant) => `${system}-${arch}${variant}`)
    .flatMap((variant) => places.map((place) => join(place, '@node-llama-cpp', variant, 'bins', variant)))
    .find((folder) => existsSync(folder));
}

/** `crashed`: the process ended without a word, or spoke something else than its protocol. */
export type TrainerOutcome<Result> =
  | { readonly ok: true; readonly result: Result }
  | { readonly ok: false; readonly problem: (typeof trainerProblems)[number] | 'crashed'; readonly message: string };

export interface TrainerRun<Result> {
  readonly outcome: Promise<TrainerOutcome<Result>>;
  readonly pid: number | undefined;
  /** Takes effect between two layers. A run that is over ignores both. */
  pause(): void;
  resume(): void;
}

/** After a cancel the trainer has this long to leave by itself. */
const graceMs = 3000;

/** Starts one request. An aborted signal cancels it: the outcome is then the problem `cancelled`. */
export function startTrainer<Request extends object, Result>(
  host: TrainerHost,
  command: TrainerCommand<Request, Result>,
  request: Request,
  signal: AbortSignal,
  onEvent: (event: TrainerEvent) => void = () => {},
): TrainerRun<Result> {
  // The server's allocator is set to give memory back at once; the trainer takes the same again at each step.
  const { MALLOC_MMAP_THRESHOLD_: _, ...env } = process.env;
  const child = spawn(host.program, [], { env, stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true });
  const say = (line: object): void => {
    if (child.stdin.writable) child.stdin.write(`${JSON.stringify(line)}\n`);
  };
  // A trainer that has gone already makes the pipe fail; its exit says why.
  child.stdin.on('error', () => {});
  const onDevice = 'device' in request && request.device !== undefined && request.device !== 'cpu';
  const libraries = onDevice ? (host.gpuLibraries ?? host.libraries) : host.libraries;
  say({ command: command.name, libraries, ...request });
  return {
    outcome: follow(child, command.result, signal, onEvent, () => say({ control: 'cancel' })),
    pid: child.pid,
    pause: () => say({ control: 'pause' }),
    resume: () => say({ control: 'resume' }),
  };
}

function follow<Result>(
  child: ChildProcessByStdio<Writable, Readable, Readable>,
  resultSchema: z.ZodType<Result>,
  signal: AbortSignal,
  onEvent: (event: TrainerEvent) => void,
  cancel: () => void,
): Promise<TrainerOutcome<Result>> {
  let outcome: TrainerOutcome<Result> | undefined;
  let complaints = '';
  let rest = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-2000);
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const heard = hear(line, resultSchema);
      if ('event' in heard) onEvent(heard);
      else outcome ??= heard;
    }
  });
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const abort = (): void => {
      cancel();
      timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    };
    const end = (fallback: string): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      if (signal.aborted && !outcome?.ok) outcome = { ok: false, problem: 'cancelled', message: 'Cancelled.' };
      resolve(outcome ?? { ok: false, problem: 'crashed', message: fallback });
    };
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    child.on('error', (error) => end(`The trainer could not be started: ${error.message}.`));
    child.on('close', (code, killedBy) =>
      end(`The trainer ended without a result (${killedBy ?? `exit code ${code}`}). ${complaints.trim()}`.trim()),
    );
  });
}

/** What a line of the trainer means: an event, or the outcome. */
function hear<Result>(line: string, resultSchema: z.ZodType<Result>): TrainerEvent | TrainerOutcome<Result> {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return {
      ok: false,
      problem: 'crashed',
      message: `The trainer wrote a line that is not JSON: ${line.slice(0, 200)}`,
    };
  }
  const event = trainerEventSchema.safeParse(json);
  if (event.success) return event.data;
  const error = errorSchema.safeParse(json);
  if (error.success) return { ok: false, problem: error.data.problem, message: error.data.message };
  const result = resultSchema.safeParse(json);
  if (result.success) return { ok: true, result: result.data };
  return { ok: false, problem: 'crashed', message: `The trainer wrote an unknown message: ${line.slice(0, 200)}` };
}
