import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

export interface LlamaServer extends AsyncDisposable {
  readonly pid: number;
  complete(request: PeerRequest): Promise<PeerResult>;
}

export interface LlamaServerOptions {
  readonly executable: string;
  readonly model: string;
  readonly threads: number;
  readonly contextTokens: number;
  readonly logPath: string;
}

export interface PeerRequest {
  readonly prompt: string;
  readonly maxTokens: number;
  /** Called with all text so far; returning true ends the request, as a client does that needs no more. */
  readonly onText: (text: string) => boolean;
  readonly signal?: AbortSignal;
}

export interface PeerResult {
  readonly text: string;
  readonly ended: 'endOfText' | 'maxTokens' | 'stopped';
  readonly reusedTokens: number;
  readonly evaluatedTokens: number;
  readonly decodedTokens: number;
  readonly prefillMs: number;
  /** Of all tokens but the first, whose time counts as prefill. */
  readonly decodeMs: number;
}

/**
 * Starts llama-server as a careful user would for completions: one slot, its cache reused by prefix and by shifted
 * chunks, no second cache in memory.
 */
export async function startLlamaServer(options: LlamaServerOptions): Promise<LlamaServer> {
  const port = await freePort();
  const threads = String(options.threads);
  const child = spawn(
    options.executable,
    [
      ...['--model', options.model, '--host', '127.0.0.1', '--port', String(port), '--no-ui'],
      ...['--threads', threads, '--threads-batch', threads, '--ctx-size', String(options.contextTokens)],
      ...['--parallel', '1', '--cache-reuse', '256', '--cache-ram', '0'],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, GGML_NO_BACKTRACE: '1' } },
  );
  const log = createWriteStream(options.logPath);
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  await once(child, 'spawn');
  await untilHealthy(child, port, options.logPath);
  // A connection each: llama-server ends a connection after a streamed answer.
  const agent = new Agent({ keepAlive: false });
  return {
    pid: child.pid ?? 0,
    complete: (each) => complete(port, agent, each),
    async [Symbol.asyncDispose]() {
      agent.destroy();
      if (child.exitCode === null && child.signalCode === null) {
        child.kill();
        await once(child, 'exit');
      }
      log.end();
    },
  };
}

const chunkSchema = z.object({
  content: z.string().default(''),
  stop: z.boolean().default(false),
  stop_type: z.string().optional(),
  timings: z
    .object({
      cache_n: z.number(),
      prompt_n: z.number(),
      prompt_ms: z.number(),
      predicted_n: z.number(),
      predicted_ms: z.number(),
    })
    .optional(),
});

function complete(port: number, agent: Agent, { prompt, maxTokens, onText, signal }: PeerRequest): Promise<PeerResult> {
  const body = JSON.stringify({
    prompt,
    n_predict: maxTokens,
    cache_prompt: true,
    stream: true,
    timings_per_token: true,
    temperature: 0,
    top_k: 1,
    samplers: ['top_k'],
  });
  return new Promise((resolve, reject) => {
    let [text, pending] = ['', ''];
    let timings: z.infer<typeof chunkSchema>['timings'];
    let settled = false;
    const finish = (ended: PeerResult['ended']): void => {
      if (settled) return;
      settled = true;
      resolve(summarise(text, ended, timings));
    };
    const call = request({ port, agent, method: 'POST', path: '/completion', signal }, (response) => {
      response.setEncoding('utf8');
      response.on('data', (data: string) => {
        if (settled) return;
        const lines = (pending + data).split('\n');
        pending = lines.pop() ?? '';
        for (const line of lines) {
          if (!line.startsWith('data: ')) {
            if (line.trim() !== '' && response.statusCode !== 200) reject(new Error(`llama-server answered: ${line}`));
            continue;
          }
          const chunk = chunkSchema.parse(JSON.parse(line.slice(6)));
          text += chunk.content;
          timings = chunk.timings ?? timings;
          if (chunk.stop) return finish(chunk.stop_type === 'eos' ? 'endOfText' : 'maxTokens');
          if (chunk.content !== '' && onText(text)) {
            finish('stopped');
            // Closing the connection is how a client withdraws a request.
            call.destroy();
            return;
          }
        }
      });
      response.on('end', () => finish('stopped'));
      response.on('error', (error) => (settled || signal?.aborted ? finish('stopped') : reject(error)));
    });
    call.on('error', (error) => (settled || signal?.aborted ? finish('stopped') : reject(error)));
    call.setHeader('content-type', 'application/json');
    call.end(body);
  });
}

function summarise(
  text: string,
  ended: PeerResult['ended'],
  timings: z.infer<typeof chunkSchema>['timings'],
): PeerResult {
  return {
    text,
    ended,
    reusedTokens: timings?.cache_n ?? 0,
    evaluatedTokens: timings?.prompt_n ?? 0,
    decodedTokens: timings?.predicted_n ?? 0,
    prefillMs: timings?.prompt_ms ?? 0,
    decodeMs: timings?.predicted_ms ?? 0,
  };
}

async function untilHealthy(child: ChildProcess, port: number, logPath: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (performance.now() < deadline) {
    if (child.exitCode !== null)
      throw new Error(`llama-server ended with code ${child.exitCode}; ${logPath} says why.`);
    const healthy = await fetch(`http://127.0.0.1:${port}/health`).then(
      (response) => response.ok,
      () => false,
    );
    if (healthy) return;
    await sleep(50);
  }
  throw new Error(`llama-server was not ready within a minute; ${logPath} says why.`);
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('No free port on the loopback interface.');
  return address.port;
}
