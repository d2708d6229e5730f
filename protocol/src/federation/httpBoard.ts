import { z } from 'zod';
import type { BulletinBoard } from './board.ts';
import { hex, sameBytes } from './bytes.ts';
import type { KeyPair } from './keys.ts';
import { signatureHeaders, signRequest } from './request.ts';
import { sha256 } from './signedMessage.ts';

/** The board over HTTP: docs/protocol.md, “HTTP”. What carries a request is given, so that this stays free of I/O. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'HEAD';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

export interface HttpResponse {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly body: Uint8Array;
}

/** Throws where no response came. */
export type SendHttp = (request: HttpRequest, signal: AbortSignal) => Promise<HttpResponse>;

/** The coordinator's no to a request: `refusal` is one of the protocol's, or of HTTP's own (`clock`, `tooMany`, …). */
export class BoardRefusal extends Error {
  readonly status: number;
  readonly refusal: string;
  constructor(status: number, refusal: string, message: string) {
    super(message);
    this.name = 'BoardRefusal';
    this.status = status;
    this.refusal = refusal;
  }
}

export interface HttpBoardOptions {
  /** The coordinator's address, without a slash at its end. */
  readonly url: string;
  readonly federation: Uint8Array;
  readonly keys: KeyPair;
  readonly send: SendHttp;
  readonly nowMs: () => number;
  /** Bytes of a blob in one request: what a broken connection costs. */
  readonly chunkBytes?: number;
}

/** A board, and what the coordinator says of the open round, which nobody relies on. */
export interface HttpBoard extends BulletinBoard {
  state(signal: AbortSignal): Promise<FederationState>;
}

export const federationStateSchema = z.object({
  members: z.number(),
  joining: z.number(),
  /** Next scheduled round. */
  nextMs: z.number().nullable(),
  nowMs: z.number(),
  round: z
    .object({
      number: z.number(),
      plan: z.string(),
      phase: z.enum(['uploads', 'releases', 'published', 'failed']),
      deadlineMs: z.number(),
      cohort: z.number(),
      uploaded: z.number(),
      released: z.number(),
      threshold: z.number(),
      votesFor: z.number(),
      votesAgainst: z.number(),
      reason: z.string().nullable(),
    })
    .nullable(),
  /** The newest start: what it was trained on. */
  start: z.object({ id: z.string(), description: z.string() }).nullable().default(null),
});
export type FederationState = z.infer<typeof federationStateSchema>;

export const errorBodySchema = z.object({ refusal: z.string(), message: z.string() });

const defaultChunkBytes = 1 << 18;
const blobTopic = /^(?:round|start)\/([0-9a-f]{64})\/blobs$/;
/** Messages are read again at every step; they never change, since their address is their hash. */
const cachedEntries = 4096;
const cachedEntryBytes = 1 << 16;

export function httpBoard(options: HttpBoardOptions): HttpBoard {
  const base = `/v1/f/${hex(options.federation)}`;
  const cache = new Map<string, Uint8Array>();
  const request = signedSender(options);

  async function postBlob(owner: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const target = `${base}/blobs/${owner}/${hex(sha256(bytes))}`;
    const chunk = options.chunkBytes ?? defaultChunkBytes;
    let offset = Number((await request('HEAD', target, undefined, signal)).header('argot-offset') ?? 0);
    while (offset < bytes.length) {
      const body = bytes.subarray(offset, offset + chunk);
      const query = `?offset=${offset}&size=${bytes.length}`;
      const taken = await request('PUT', target + query, body, signal, [409]);
      const next = Number(taken.header('argot-offset'));
      if (!Number.isInteger(next) || next < 0 || (taken.status === 409 && next === offset)) throw refusalOf(taken);
      offset = next;
    }
  }

  return {
    async post(topic, bytes, signal) {
      const owner = blobTopic.exec(topic)?.[1];
      if (owner !== undefined) await postBlob(owner, bytes, signal);
      else await request('POST', `${base}/topics/${topic}`, bytes, signal);
      return sha256(bytes);
    },
    async list(topic, signal) {
      const { body } = await request('GET', `${base}/topics/${topic}`, undefined, signal);
      return Array.from({ length: Math.floor(body.length / 32) }, (_, i) => body.slice(i * 32, i * 32 + 32));
    },
    async read(address, signal) {
      const name = hex(address);
      const known = cache.get(name);
      if (known !== undefined) return known;
      const response = await request('GET', `${base}/entries/${name}`, undefined, signal, [404]);
      if (response.status === 404) return undefined;
      const { body } = response;
      if (body.length <= cachedEntryBytes && sameBytes(sha256(body), address)) {
        const oldest = cache.size >= cachedEntries ? cache.keys().next().value : undefined;
        if (oldest !== undefined) cache.delete(oldest);
        cache.set(name, body);
      }
      return body;
    },
    async state(signal) {
      const { body } = await request('GET', `${base}/state`, undefined, signal);
      return federationStateSchema.parse(JSON.parse(Buffer.from(body).toString('utf8')));
    },
  };
}

/**
 * Signs each request by the coordinator's clock: where it says that ours is off, its own time counts from then on. No
 * promise rests on a clock, so that a lying coordinator gains nothing by it.
 */
export function signedSender({ url, keys, send, nowMs }: Omit<HttpBoardOptions, 'federation'>) {
  let offsetMs = 0;
  return async (
    method: HttpRequest['method'],
    target: string,
    body: Uint8Array | undefined,
    signal: AbortSignal,
    welcome: readonly number[] = [],
    more: Readonly<Record<string, string>> = {},
  ): Promise<HttpResponse> => {
    // A reverse proxy may serve the coordinator under a path of its own: what is signed begins behind it.
    const once = async (): Promise<HttpResponse> => {
      const head = { method, target, timeMs: Math.round(nowMs() + offsetMs), body: body ?? new Uint8Array(0) };
      const headers = { ...signRequest(head, keys), ...more, ...(body ? { 'content-type': octets } : {}) };
      return send({ method, url: url + target, headers, ...(body === undefined ? {} : { body }) }, signal);
    };
    let response = await once();
    const theirs = Number(response.header(signatureHeaders.timeMs));
    if (response.status === 401 && Number.isFinite(theirs) && theirs > 0) {
      offsetMs = theirs - nowMs();
      response = await once();
    }
    if (response.status >= 400 && !welcome.includes(response.status)) throw refusalOf(response);
    return response;
  };
}

const octets = 'application/octet-stream';

function refusalOf({ status, body }: HttpResponse): BoardRefusal {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    json = undefined;
  }
  const parsed = errorBodySchema.safeParse(json);
  if (parsed.success) return new BoardRefusal(status, parsed.data.refusal, parsed.data.message);
  return new BoardRefusal(status, 'http', `The coordinator answered with status ${status}.`);
}
