import { type FileHandle, open, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { networkFault, statusFault } from '../network/networkFault.ts';
import type { Answer, Network, OutboundRequest } from '../network/outbound.ts';
import { land, spaceFault } from './disk.ts';
import { cancelled, diskFault, type Fault, inWords, type Outcome } from './faults.ts';
import { append, canResume, partPaths, restart, saveNote, startTransfer, type Transfer } from './transfer.ts';

export interface DownloadRequest {
  readonly url: string;
  readonly destination: string;
  readonly sizeBytes?: number;
  /** Where absent, the checksum that the server states, if any. */
  readonly sha256?: string;
  /** The first bytes that the file must have, so that a web page is noticed at once. */
  readonly magic: string;
  /** Judges the whole file before it lands. */
  readonly check: (path: string) => Promise<Fault | undefined>;
  readonly onProgress: (progress: DownloadProgress) => void;
  readonly signal: AbortSignal;
  /** Before each repetition; as many as there are. Progress starts the count anew. */
  readonly pausesMs?: readonly number[];
}

/** `totalBytes` is 0 while it is not known. */
export interface DownloadProgress {
  readonly phase: 'connecting' | 'downloading' | 'verifying';
  readonly receivedBytes: number;
  readonly totalBytes: number;
}

type Again = { readonly kind: 'again'; readonly fault: Fault; readonly progressed: boolean; readonly waitMs?: number };
type Failed = { readonly kind: 'failed'; readonly fault: Fault };
type Step = { readonly kind: 'done' } | Again | Failed;

/** For a connection that breaks over and over, each time after a little progress. */
const maxAttempts = 200;

/**
 * Downloads into `<destination>.part` and renames it when it is whole and verified. What has arrived stays there when the
 * download is cancelled, the connection breaks or the process dies; the next call goes on from it if the server still
 * has the same file (RFC 9110, sections 13.1.5 and 14). One process at a time: the caller holds a lock.
 */
export async function download(
  request: DownloadRequest,
  network: Network,
): Promise<Outcome<{ readonly path: string }>> {
  const { part, note } = partPaths(request.destination);
  let file: FileHandle | undefined;
  let transfer: Transfer | undefined;
  try {
    file = await open(part, 'a+', 0o600);
    transfer = await startTransfer(file, note, request.signal, (receivedBytes, totalBytes) =>
      request.onProgress({ phase: 'verifying', receivedBytes, totalBytes }),
    );
    const fault = await repeat(request, network, transfer);
    if (fault) return { ok: false, fault };
    await land(file, part, request.destination);
    await rm(note, { force: true });
    return { ok: true, path: request.destination };
  } catch (error) {
    return { ok: false, fault: request.signal.aborted ? cancelled : diskFault(error, part) };
  } finally {
    // Landing has closed it; closing twice is an error that means nothing here.
    await file?.close().catch(() => undefined);
    if (transfer?.receivedBytes === 0) await Promise.all([rm(part, { force: true }), rm(note, { force: true })]);
  }
}

async function repeat(request: DownloadRequest, network: Network, transfer: Transfer): Promise<Fault | undefined> {
  const pauses = request.pausesMs ?? [500, 1000, 2000, 4000, 8000];
  let repetition = 0;
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const step = await attemptOnce(request, network, transfer);
    if (step.kind === 'done') return undefined;
    if (step.kind === 'failed') return step.fault;
    repetition = step.progressed ? 0 : repetition;
    const pause = pauses[repetition++];
    if (pause === undefined) return step.fault;
    await sleep(step.waitMs ?? pause, undefined, { signal: request.signal });
  }
  return {
    code: 'interrupted',
    message: `The connection broke ${maxAttempts} times. Try again on a steadier network.`,
  };
}

async function attemptOnce(request: DownloadRequest, network: Network, transfer: Transfer): Promise<Step> {
  if (transfer.receivedBytes > 0 && !canResume(transfer)) await restart(transfer);
  const before = transfer.receivedBytes;
  const totalBytes = transfer.note.totalBytes ?? request.sizeBytes ?? 0;
  request.onProgress({ phase: 'connecting', receivedBytes: before, totalBytes });
  let answer: Answer;
  try {
    answer = await network.send(outboundOf(request, transfer), request.signal);
  } catch (error) {
    request.signal.throwIfAborted();
    const fault = networkFault(error, hostOf(request));
    // A host that was never reached will not be in a moment: the next source is asked instead.
    const mayReturn = fault.code === 'interrupted' || (fault.code === 'offline' && transfer.contacted);
    return mayReturn ? { kind: 'again', fault, progressed: false } : { kind: 'failed', fault };
  }
  transfer.contacted = true;
  const refusal = await judge(request, transfer, answer);
  if (refusal) {
    answer.body.on('error', () => undefined).destroy();
    return refusal;
  }
  const broken = await receive(request, transfer, answer);
  if (broken?.kind === 'again') return { ...broken, progressed: transfer.receivedBytes > before };
  return broken ?? verify(request, transfer);
}

function outboundOf(request: DownloadRequest, transfer: Transfer): OutboundRequest {
  const about = `asks for the model file ${basename(request.destination)}`;
  return { method: 'GET', url: request.url, headers: rangeHeaders(transfer), purpose: 'modelDownload', about };
}

function rangeHeaders({ receivedBytes, note }: Transfer): Record<string, string> {
  if (receivedBytes === 0) return {};
  const range = { range: `bytes=${receivedBytes}-` };
  return note.validator ? { ...range, 'if-range': note.validator } : range;
}

/** What keeps this answer from being received; a part that does not fit it is dropped. */
async function judge(request: DownloadRequest, transfer: Transfer, answer: Answer): Promise<Step | undefined> {
  const { status, headers } = answer;
  // The part is as long as the file already: verify it, or begin anew.
  const isWhole = transfer.receivedBytes > 0 && transfer.receivedBytes === transfer.note.totalBytes;
  if (status === 416 && isWhole) return verify(request, transfer);
  if (status === 416) return beginAnew(transfer, statusFault(status, request.url));
  if (status !== 200 && status !== 206) {
    const fault = statusFault(status, request.url);
    const isTemporary = status === 429 || status === 408 || status >= 500;
    return isTemporary
      ? { kind: 'again', fault, progressed: false, ...retryAfter(headers) }
      : { kind: 'failed', fault };
  }
  if (/^text\/html/i.test(headers['content-type'] ?? '')) return { kind: 'failed', fault: webPage(request) };
  if (status === 206) return judgePart(request, transfer, answer);
  if (transfer.receivedBytes > 0) await restart(transfer);
  return noteAnswer(request, transfer, answer);
}

/** Servers exist that ignore `If-Range` or send another part than was asked for. */
async function judgePart(request: DownloadRequest, transfer: Transfer, { headers }: Answer): Promise<Step | undefined> {
  const [, begin, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
  const { totalBytes, validator } = transfer.note;
  const isOther =
    Number(begin) !== transfer.receivedBytes ||
    (total !== '*' && totalBytes !== undefined && Number(total) !== totalBytes) ||
    (validator?.startsWith('"') && headers.etag !== undefined && headers.etag !== validator);
  if (isOther) return beginAnew(transfer, networkFault(new Error('it sent a part of another file'), hostOf(request)));
  transfer.resumed = true;
  return spaceStep(request, (totalBytes ?? 0) - transfer.receivedBytes);
}

async function noteAnswer(request: DownloadRequest, transfer: Transfer, answer: Answer): Promise<Step | undefined> {
  const { headers, linkedSha256 } = answer;
  const stated = headers['content-length'];
  const totalBytes = stated !== undefined ? Number(stated) : request.sizeBytes;
  if (request.sizeBytes !== undefined && totalBytes !== request.sizeBytes) {
    return { kind: 'failed', fault: wrongSize(request, totalBytes ?? 0) };
  }
  const validator = strongValidator(headers);
  const sha256 = request.sha256 ?? linkedSha256;
  await saveNote(transfer, {
    ...(totalBytes && { totalBytes }),
    ...(validator && { validator }),
    ...(sha256 && { sha256 }),
  });
  return spaceStep(request, totalBytes ?? 0);
}

async function spaceStep(request: DownloadRequest, bytes: number): Promise<Failed | undefined> {
  const fault = await spaceFault(dirname(request.destination), bytes);
  return fault && { kind: 'failed', fault };
}

async function beginAnew(transfer: Transfer, fault: Fault): Promise<Again> {
  await restart(transfer);
  return { kind: 'again', fault, progressed: false };
}

async function receive(
  request: DownloadRequest,
  transfer: Transfer,
  answer: Answer,
): Promise<Again | Failed | undefined> {
  const totalBytes = transfer.note.totalBytes ?? 0;
  const chunks = answer.body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await nextChunk(chunks, request);
      if ('fault' in next) return { kind: 'again', fault: next.fault, progressed: false };
      if (next.chunk === undefined) break;
      const stranger = strangeBytes(request, transfer, next.chunk);
      if (stranger) {
        await restart(transfer);
        return { kind: 'failed', fault: stranger };
      }
      await append(transfer, next.chunk);
      request.onProgress({ phase: 'downloading', receivedBytes: transfer.receivedBytes, totalBytes });
    }
  } finally {
    answer.body.on('error', () => undefined).destroy();
  }
  if (transfer.receivedBytes >= totalBytes) return undefined;
  return { kind: 'again', fault: networkFault(new Error('it ended early'), hostOf(request)), progressed: false };
}

/** Network errors become faults here, so that what `receive` throws is the disk's. */
async function nextChunk(
  chunks: AsyncIterator<Buffer>,
  request: DownloadRequest,
): Promise<{ readonly chunk: Buffer | undefined } | { readonly fault: Fault }> {
  try {
    const { done, value } = await chunks.next();
    request.signal.throwIfAborted();
    return { chunk: done ? undefined : value };
  } catch (error) {
    request.signal.throwIfAborted();
    return { fault: networkFault(error, hostOf(request)) };
  }
}

function strangeBytes(request: DownloadRequest, transfer: Transfer, chunk: Buffer): Fault | undefined {
  const { totalBytes } = transfer.note;
  if (transfer.receivedBytes === 0 && !beginsWith(chunk, request.magic)) {
    return beginsWith(chunk, '<') ? webPage(request) : notAModel(request);
  }
  const bytes = transfer.receivedBytes + chunk.length;
  return totalBytes !== undefined && bytes > totalBytes ? wrongSize(request, bytes) : undefined;
}

async function verify(request: DownloadRequest, transfer: Transfer): Promise<Step> {
  const { receivedBytes, resumed } = transfer;
  request.onProgress({ phase: 'verifying', receivedBytes, totalBytes: receivedBytes });
  const expected = request.sha256 ?? transfer.note.sha256;
  if (expected !== undefined && transfer.hash.copy().digest('hex') !== expected) {
    await restart(transfer);
    const fault: Fault = {
      code: 'wrongChecksum',
      message: `What ${hostOf(request)} sent is not the expected file: its checksum differs. Try again, or use another network.`,
    };
    // Bytes from before may be of another version or damaged on disk: one try from the start decides.
    return resumed ? { kind: 'again', fault, progressed: true, waitMs: 0 } : { kind: 'failed', fault };
  }
  const fault = await request.check(partPaths(request.destination).part);
  if (!fault) return { kind: 'done' };
  await restart(transfer);
  return { kind: 'failed', fault };
}

/** An entity tag that promises the same bytes, else the time of the last change. */
function strongValidator({ etag, 'last-modified': changed }: Answer['headers']): string | undefined {
  return etag === undefined ? changed : etag.startsWith('"') ? etag : undefined;
}

function retryAfter(headers: Answer['headers']): { waitMs?: number } {
  const seconds = Number(headers['retry-after']);
  return seconds > 0 ? { waitMs: Math.min(seconds, 30) * 1000 } : {};
}

function beginsWith(chunk: Buffer, text: string): boolean {
  const bytes = Buffer.from(text).subarray(0, chunk.length);
  return chunk.subarray(0, bytes.length).equals(bytes);
}

function hostOf(request: DownloadRequest): string {
  return new URL(request.url).host;
}

function webPage(request: DownloadRequest): Fault {
  return {
    code: 'webPage',
    message: `A web page came instead of the model from ${hostOf(request)}: often the sign-in page of a network. Open a browser, sign in, and try again.`,
  };
}

function notAModel(request: DownloadRequest): Fault {
  return {
    code: 'notAModel',
    message: `${hostOf(request)} sent something else than a model for ${basename(request.destination)}. Check the setting argot.hubEndpoint.`,
  };
}

function wrongSize(request: DownloadRequest, bytes: number): Fault {
  return {
    code: 'wrongSize',
    message: `${hostOf(request)} has ${bytes} bytes where ${inWords(request.sizeBytes ?? 0)} are expected. Check the setting argot.hubEndpoint.`,
  };
}
