import { availableParallelism } from 'node:os';
import type { Llama, TokenBias } from 'node-llama-cpp';
import type { Backend } from '#protocol/status.ts';

export interface BackendOptions {
  readonly gpu: 'auto' | 'off';
  /** 0 chooses one fewer than the machine's cores: with all of them, another busy process stalls every token. */
  readonly threads: number;
  readonly log: (level: 'error' | 'warn' | 'info', message: string) => void;
}

/** node-llama-cpp with its backend; loaded once for the life of the process. */
export interface Library {
  readonly llama: Llama;
  readonly TokenBias: typeof TokenBias;
}

/** Begins to read the library's modules, which takes a good part of a cold start, before anybody needs them. */
export function warmLibrary(): void {
  import('node-llama-cpp').catch(() => undefined);
}

/** Throws where no binary fits the machine. */
export async function loadLibrary(options: BackendOptions): Promise<Library> {
  const { getLlama, LlamaLogLevel, TokenBias } = await import('node-llama-cpp');
  const llama = await getLlama({
    gpu: options.gpu === 'off' ? false : 'auto',
    build: 'never',
    skipDownload: true,
    progressLogs: false,
    logLevel: LlamaLogLevel.warn,
    logger: (level, message) => options.log(level === 'error' || level === 'fatal' ? 'error' : 'warn', message.trim()),
    // No limit here: each context has its own.
    maxThreads: 0,
  });
  return { llama, TokenBias };
}

export function threadCount(setting: number): number {
  return setting > 0 ? setting : Math.max(1, availableParallelism() - 1);
}

export function describeBackend(llama: Llama, options: BackendOptions): Backend {
  const threads = threadCount(options.threads);
  if (llama.gpu !== false) return { device: llama.gpu, reason: `${llama.gpu} is installed and works`, threads };
  const reason =
    options.gpu === 'off'
      ? 'argot.gpu is off'
      : 'no GPU backend is installed: the package holds the CPU build, GPU builds are a separate download';
  return { device: 'cpu', reason, threads };
}
