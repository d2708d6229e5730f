import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import rateLimit from '@fastify/rate-limit';
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { signatureHeaders } from '#protocol/federation/request.ts';
import { maxMessageBytes } from '#protocol/federation/signedMessage.ts';
import { type AdmissionRefusal, sentenceFor } from './admission.ts';
import type { Coordinator } from './coordinator.ts';
import { federationRoutes } from './federationRoutes.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import type { CoordinatorOptions } from './options.ts';

/** HTTP: docs/protocol.md, “HTTP”. */
export async function createServer(
  coordinator: Coordinator,
  options: Pick<CoordinatorOptions, 'tls' | 'behindProxy' | 'requestsPerMinute'>,
): Promise<{ readonly app: FastifyInstance; readonly metrics: Metrics }> {
  const { tls } = options;
  const pem = tls && { cert: await readFile(tls.certificate), key: await readFile(tls.key) };
  const app = fastify({
    bodyLimit: maxMessageBytes,
    trustProxy: options.behindProxy,
    // A slow or cut request frees its place.
    requestTimeout: 60_000,
    connectionTimeout: 90_000,
    routerOptions: { maxParamLength: 200 },
    serverFactory: (handler) => (pem ? https.createServer(pem, handler) : http.createServer(handler)),
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, typeof body === 'string' ? Buffer.from(body) : body);
  });
  const metrics = createMetrics(() => censusOf(coordinator));
  // By address, whoever signs: checking a signature costs something too.
  await app.register(rateLimit, { max: options.requestsPerMinute * 20, timeWindow: 60_000, allowList: [] });

  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    metrics.requestSeconds.observe({ route, status: String(reply.statusCode) }, reply.elapsedTime / 1000);
  });
  app.setErrorHandler((error, _request, reply) => {
    if (isDiskFull(error)) return refuseWith(reply, 507, 'diskFull', metrics);
    const status = statusOf(error);
    const text = status < 500 && error instanceof Error ? error.message : 'The coordinator failed; its log says why.';
    if (status >= 500) console.error(error);
    return reply.code(status).send({ refusal: status === 429 ? 'tooMany' : 'http', message: text });
  });
  app.get('/healthz', async () => {
    coordinator.database.sql.prepare('SELECT 1').get();
    return { ok: true };
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
  app.get('/v1/coordinator', async () => ({
    key: Buffer.from(coordinator.keys.publicKey).toString('hex'),
    nowMs: coordinator.nowMs(),
  }));
  await federationRoutes(app, coordinator, options, metrics);
  return { app, metrics };
}

export function refuseWith(
  reply: FastifyReply,
  status: number,
  refusal: AdmissionRefusal,
  metrics: Metrics,
): FastifyReply {
  metrics.refusals.inc({ refusal });
  return reply.code(status).send({ refusal, message: sentenceFor(refusal) });
}

/** The coordinator's time goes with a refusal for a request's time, so that the sender can set its own right. */
export function withTime(reply: FastifyReply, nowMs: number): FastifyReply {
  return reply.header(signatureHeaders.timeMs, String(nowMs));
}

function censusOf({ federations }: Coordinator) {
  const all = federations.all();
  const rounds = new Map<string, number>();
  const count = (state: string) => rounds.set(state, (rounds.get(state) ?? 0) + 1);
  for (const { outcome, survivorsMs } of all.flatMap((store) => store.rounds())) {
    count(outcome ?? (survivorsMs === null ? 'uploads' : 'releases'));
  }
  const members = all.reduce((sum, store) => sum + (store.membership().roster?.body.members.length ?? 0), 0);
  return { federations: all.length, members, rounds };
}

function isDiskFull(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  const [code, sqlite] = ['code' in error ? error.code : undefined, 'errcode' in error ? error.errcode : undefined];
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG' || sqlite === 13;
}

function statusOf(error: unknown): number {
  const given = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined;
  return typeof given === 'number' && given >= 400 && given < 600 ? given : 500;
}
