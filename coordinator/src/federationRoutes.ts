import { timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { membershipTopic, policyTopic, startsTopic } from '#protocol/federation/board.ts';
import { fromHex, hex, sameBytes } from '#protocol/federation/bytes.ts';
import { isInRoster } from '#protocol/federation/membership.ts';
import { verifyRequest } from '#protocol/federation/request.ts';
import { sha256 } from '#protocol/federation/signedMessage.ts';
import { type AdmissionRefusal, admit } from './admission.ts';
import { type BlobPlace, blobPlace } from './blobPlace.ts';
import type { Coordinator } from './coordinator.ts';
import type { FederationStore } from './federationStore.ts';
import type { Metrics } from './metrics.ts';
import type { CoordinatorOptions } from './options.ts';
import { refuseWith, withTime } from './server.ts';
import { blobsOf, startsOf } from './starts.ts';
import { stateOf } from './state.ts';

/** Who made a request, as far as a federation is concerned. */
type Standing = 'lead' | 'member' | 'joining' | 'stranger';

interface Caller {
  readonly store: FederationStore;
  readonly signer: Uint8Array;
  readonly standing: Standing;
}

const hex32 = z.string().regex(/^[0-9a-f]{64}$/);
const paramsSchema = z.object({
  federation: hex32,
  '*': z.string().max(200).optional(),
  address: hex32.optional(),
  plan: hex32.optional(),
  hash: hex32.optional(),
});
const pieceSchema = z.object({
  offset: z.coerce.number().int().min(0),
  size: z.coerce
    .number()
    .int()
    .min(1)
    .max(2 ** 31),
});
/** What somebody unknown may send: a request to join. */
const strangersBytes = 4096;
/** A member's last request is written down this often. */
const seenEveryMs = 10_000;

export async function federationRoutes(
  app: FastifyInstance,
  coordinator: Coordinator,
  options: Pick<CoordinatorOptions, 'requestsPerMinute'>,
  metrics: Metrics,
): Promise<void> {
  const { federations, nowMs, blobs, audit, database, keeperOf, nudge } = coordinator;
  const written = new Map<string, number>();
  const ofOneMember = app.createRateLimit({
    max: options.requestsPerMinute,
    timeWindow: 60_000,
    keyGenerator: (request) => String(request.headers['argot-signer']),
  });

  const refuse = (reply: FastifyReply, status: number, refusal: AdmissionRefusal) =>
    refuseWith(reply, status, refusal, metrics);

  /** The signer, or undefined where the reply has been sent. */
  async function signerOf(request: FastifyRequest, reply: FastifyReply): Promise<Uint8Array | undefined> {
    const { method, url: target } = request;
    const verified = verifyRequest({ method, target, body: bodyOf(request) }, request.headers, nowMs());
    if (!verified.ok) {
      await refuse(withTime(reply, nowMs()), 401, verified.refusal);
      return undefined;
    }
    const limit = await ofOneMember(request);
    if (!limit.isAllowed && limit.isExceeded) {
      await reply.code(429).send({ refusal: 'tooMany', message: 'Too many requests: wait a minute.' });
      return undefined;
    }
    return verified.signer;
  }

  async function callerOf(request: FastifyRequest, reply: FastifyReply): Promise<Caller | undefined> {
    const signer = await signerOf(request, reply);
    if (signer === undefined) return undefined;
    const params = paramsSchema.safeParse(request.params);
    const store = params.success ? federations.find(params.data.federation) : undefined;
    if (store === undefined) {
      await refuse(reply, 404, 'unknownFederation');
      return undefined;
    }
    const standing = standingOf(store, signer);
    if (standing === 'member') noteSeen(store, signer);
    return { store, signer, standing };
  }

  function noteSeen(store: FederationStore, signer: Uint8Array): void {
    const name = hex(store.anchors.federation) + hex(signer);
    if (nowMs() - (written.get(name) ?? Number.NEGATIVE_INFINITY) < seenEveryMs) return;
    written.set(name, nowMs());
    store.sawMember(signer, nowMs());
  }

  const placeFor = ({ store, signer }: Caller, id: string): BlobPlace | undefined =>
    blobPlace(store, keeperOf(store).rounds, signer, fromHex(id));

  app.post('/v1/federations', async (request, reply) => {
    const signer = await signerOf(request, reply);
    if (signer === undefined) return reply;
    if (!sameText(String(request.headers['argot-token'] ?? ''), coordinator.token)) {
      return refuse(reply, 403, 'wrongToken');
    }
    const founded = database.transaction(() => {
      const outcome = federations.found(bodyOf(request));
      if (outcome.kind === 'founded') {
        audit.record({ federation: outcome.id, actor: hex(signer), action: 'federationFounded' });
      }
      return outcome;
    });
    if (founded.kind === 'taken') return refuse(reply, 409, 'taken');
    if (founded.kind === 'refused') return refuse(reply, 400, 'malformed');
    return reply.code(founded.kind === 'founded' ? 201 : 200).send({ federation: founded.id });
  });

  app.post('/v1/f/:federation/topics/*', async (request, reply) => {
    const caller = await callerOf(request, reply);
    if (caller === undefined) return reply;
    const { store, standing, signer } = caller;
    const topic = paramsSchema.parse(request.params)['*'] ?? '';
    const message = bodyOf(request);
    const isLimited = standing === 'stranger' || standing === 'joining';
    if (isLimited && (topic !== membershipTopic || message.length > strangersBytes))
      return refuse(reply, 403, 'notAMember');
    const isLeads = topic === policyTopic || topic === startsTopic;
    if (isLeads && !sameBytes(signer, store.anchors.lead)) return refuse(reply, 403, 'notTheLead');
    const admission = await admit(
      topic,
      message,
      { database, store, keeper: keeperOf(store), blobs, nowMs },
      abortOf(request),
    );
    const detail = { topic, address: hex(sha256(message)), bytes: message.length };
    const federation = hex(store.anchors.federation);
    const actor = hex(signer);
    if (!admission.ok) {
      audit.record({ federation, actor, action: 'refused', detail: { ...detail, refusal: admission.refusal } });
      return refuse(reply, 409, admission.refusal);
    }
    audit.record({ federation, actor, action: 'posted', detail });
    metrics.receivedBytes.inc({ kind: 'message' }, message.length);
    nudge(store);
    return reply.code(201).send(bufferOver(sha256(message)));
  });

  app.get('/v1/f/:federation/topics/*', async (request, reply) => {
    const caller = await callerOf(request, reply);
    if (caller === undefined) return reply;
    const topic = paramsSchema.parse(request.params)['*'] ?? '';
    if (!mayRead(caller.standing, topic)) return refuse(reply, 403, 'notAMember');
    return reply.type('application/octet-stream').send(Buffer.concat(caller.store.addresses(topic)));
  });

  app.get('/v1/f/:federation/entries/:address', async (request, reply) => {
    const caller = await callerOf(request, reply);
    if (caller === undefined) return reply;
    const address = fromHex(paramsSchema.parse(request.params).address ?? '');
    const entry = caller.store.entry(address);
    if (entry !== undefined && !mayRead(caller.standing, entry.topic)) return refuse(reply, 403, 'notAMember');
    if (entry === undefined && !isInside(caller.standing)) return refuse(reply, 403, 'notAMember');
    const bytes = entry?.bytes ?? (await publicBlobAt(caller.store, address));
    if (bytes === undefined) return reply.code(404).send({ refusal: 'http', message: 'There is no such entry.' });
    return reply.type('application/octet-stream').send(bufferOver(bytes));
  });

  /** Published sums, and starts' values and bases, only: nobody but the coordinator needs a payload. */
  async function publicBlobAt(store: FederationStore, address: Uint8Array): Promise<Uint8Array | undefined> {
    for (const { plan } of store.rounds()) {
      const sum = keeperOf(store).rounds.sum(plan);
      if (sum !== undefined && sameBytes(sum, address)) return blobs.read(plan, address);
    }
    const start = startsOf(store).find(({ body }) => blobsOf(body).some((hash) => sameBytes(hash, address)));
    return start && blobs.read(start.id, address);
  }

  app.get('/v1/f/:federation/state', async (request, reply) => {
    const caller = await callerOf(request, reply);
    if (caller === undefined) return reply;
    if (!isInside(caller.standing)) return refuse(reply, 403, 'notAMember');
    return stateOf(caller.store, keeperOf(caller.store), nowMs());
  });

  app.get('/v1/f/:federation/audit', async (request, reply) => {
    const caller = await callerOf(request, reply);
    if (caller === undefined) return reply;
    if (caller.standing !== 'lead') return refuse(reply, 403, 'notTheLead');
    return reply.type('application/jsonl').send(audit.read(hex(caller.store.anchors.federation)).join('\n'));
  });

  app.head('/v1/f/:federation/blobs/:plan/:hash', async (request, reply) => {
    const caller = await callerOf(request, reply);
    if (caller === undefined) return reply;
    const { plan = '', hash = '' } = paramsSchema.parse(request.params);
    const place = placeFor(caller, plan);
    if (place === undefined) return refuse(reply, 403, 'stranger');
    const whole = await blobs.ending(place.id, fromHex(hash));
    const received = whole?.size ?? (await blobs.received(place.id, fromHex(hash)));
    return reply.header('argot-offset', String(received)).code(204).send();
  });

  app.put('/v1/f/:federation/blobs/:plan/:hash', async (request, reply) => {
    const caller = await callerOf(request, reply);
    if (caller === undefined) return reply;
    const { plan = '', hash: name = '' } = paramsSchema.parse(request.params);
    const piece = pieceSchema.safeParse(request.query);
    const place = placeFor(caller, plan);
    if (place === undefined) return refuse(reply, 403, 'stranger');
    if (!piece.success) return refuse(reply, 400, 'malformed');
    const { id } = place;
    const hash = fromHex(name);
    const offset = (at: number) => reply.header('argot-offset', String(at));
    const whole = await blobs.ending(id, hash);
    if (whole !== undefined) return offset(whole.size).code(200).send();
    if (place.isClosed(nowMs())) return refuse(reply, 409, 'late');
    if (!place.mayHaveSize(piece.data.size)) return refuse(reply, 409, 'payloadSize');
    const claim = { plan: id, owner: caller.signer, hash };
    if (place.takesOneEach && !caller.store.claimBlob(claim)) return refuse(reply, 409, 'otherBlob');
    const bytes = bodyOf(request);
    const appended = await blobs.append(id, hash, { ...piece.data, bytes });
    if (appended.kind === 'wrongHash') {
      caller.store.freeBlob(claim);
      return refuse(reply, 409, 'payloadHash');
    }
    metrics.receivedBytes.inc({ kind: 'payload' }, bytes.length);
    if (appended.kind === 'elsewhere') return refuse(offset(appended.received), 409, 'otherOffset');
    if (appended.kind === 'whole') caller.store.finishBlob(claim);
    return offset(appended.received).code(200).send();
  });
}

function standingOf(store: FederationStore, signer: Uint8Array): Standing {
  const { roster, joining } = store.membership();
  if (isInRoster(roster, signer)) return 'member';
  if (sameBytes(signer, store.anchors.lead)) return 'lead';
  return joining.some((join) => sameBytes(join.signer, signer)) ? 'joining' : 'stranger';
}

function isInside(standing: Standing): boolean {
  return standing === 'lead' || standing === 'member';
}

function mayRead(standing: Standing, topic: string): boolean {
  return isInside(standing) || (standing === 'joining' && topic === membershipTopic);
}

function bodyOf(request: FastifyRequest): Uint8Array {
  return request.body instanceof Uint8Array ? request.body : new Uint8Array(0);
}

function abortOf(request: FastifyRequest): AbortSignal {
  const gone = new AbortController();
  request.raw.once('close', () => {
    if (request.raw.errored || request.raw.aborted) gone.abort();
  });
  return gone.signal;
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [sha256(new Uint8Array(Buffer.from(a))), sha256(new Uint8Array(Buffer.from(b)))];
  return timingSafeEqual(left, right);
}

function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
