import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Coordinator, openCoordinator } from '../coordinator/src/coordinator.ts';
import { fetchHttp } from '../coordinator/src/fetchHttp.ts';
import { createServer } from '../coordinator/src/server.ts';
import { readTopic, roundTopic } from '../protocol/src/federation/board.ts';
import { hex } from '../protocol/src/federation/bytes.ts';
import { type SendHttp, signedSender } from '../protocol/src/federation/httpBoard.ts';
import { newSigningKeys } from '../protocol/src/federation/keys.ts';
import { failureSchema } from '../protocol/src/federation/messages.ts';
import { packedBytes, signedLane } from '../protocol/src/federation/ring.ts';
import type { Round } from '../protocol/src/federation/round.ts';
import { openMessage, sha256 } from '../protocol/src/federation/signedMessage.ts';
import { foundFederation, type TestFederation } from './lib/coordinator.ts';
import { expectedSum, joinFederation, type SimulatedMember, smallRound } from './lib/simulatedMember.ts';

/** A coordinator in this process, so that its disk can be made to fail. */
const { signal } = new AbortController();
let data: string;
let url: string;
let coordinator: Coordinator;
let blobs: Coordinator['blobs'];
let failing: unknown;
let stop: () => Promise<void>;
let federation: TestFederation;

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'argot-faults-'));
  const failures: unknown[] = [];
  coordinator = await openCoordinator({
    ...{ data, releaseWindowMs: 60_000, tickMs: 20, nowMs: Date.now },
    onFailure: (error) => failures.push(error),
  });
  failing = undefined;
  blobs = coordinator.blobs;
  const withFaults: Coordinator = {
    ...coordinator,
    blobs: {
      ...blobs,
      append: (...given) => (failing === undefined ? blobs.append(...given) : Promise.reject(failing)),
    },
  };
  const { app } = await createServer(withFaults, { tls: undefined, behindProxy: false, requestsPerMinute: 100_000 });
  url = await app.listen({ host: '127.0.0.1', port: 0 });
  stop = async () => {
    await app.close();
    await coordinator[Symbol.asyncDispose]();
  };
  federation = await foundFederation({ url, data });
});
afterEach(async () => {
  await stop();
  await rm(data, { recursive: true, force: true });
});

async function team(size: number, send?: SendHttp): Promise<SimulatedMember[]> {
  const members: SimulatedMember[] = [];
  for (let i = 0; i < size; i++) members.push(await joinFederation(federation, `member ${i}`, send ? { send } : {}));
  return members;
}

async function begin(
  members: readonly SimulatedMember[],
  changes: Parameters<typeof smallRound>[1] = {},
): Promise<Round> {
  await federation.command({ do: 'start', settings: smallRound(20_000, changes) });
  const round = await members[0]?.newestRound();
  if (round === undefined) throw new Error('There is no round.');
  return round;
}

async function finish(members: readonly SimulatedMember[], round: Round): Promise<void> {
  await eventually(async () => (await federation.board.list(roundTopic(round.id, 'survivors'), signal)).length > 0);
  for (const member of members) await member.serve(round).catch(() => undefined);
  await eventually(async () => (await members[0]?.result(round)) !== undefined);
  const result = await members[0]?.result(round);
  const expected = expectedSum(members, round);
  expect(result?.sum.weight).toBe(expected.weight);
  expect(Array.from(result?.sum.lanes ?? [], (_, i) => signedLane(result!.sum, i))).toEqual(expected.levels);
}

async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('It did not come to hold.');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('the coordinator under faults', () => {
  it('takes nothing while its disk is full, and goes on where there is room again', async () => {
    const members = await team(3);
    const round = await begin(members);
    failing = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    await expect(members[0]!.upload(round)).rejects.toMatchObject({ status: 507, refusal: 'diskFull' });
    failing = undefined;
    for (const member of members.slice(0, 2)) await member.upload(round);
    // SQLite itself, at its limit of pages.
    const { sql } = coordinator.database;
    const pages = Number(Object.values(sql.prepare('PRAGMA page_count').get() ?? {})[0]);
    sql.exec(`PRAGMA max_page_count = ${pages}`);
    const filling = async () => {
      for (let i = 0; i < 2000; i++) {
        coordinator.audit.record({ actor: 'test', action: 'fills', detail: { text: 'x'.repeat(500) } });
      }
    };
    await expect(filling()).rejects.toMatchObject({ errcode: 13 });
    await expect(members[2]!.upload(round)).rejects.toMatchObject({ status: 507, refusal: 'diskFull' });
    expect(await federation.board.list(roundTopic(round.id, 'outcome'), signal)).toEqual([]);
    sql.exec('PRAGMA max_page_count = 1000000');
    await members[2]!.upload(round);
    await finish(members, round);
  });

  it('is right when every request comes twice and uploads come in any order', async () => {
    const twice: SendHttp = async (request, during) => {
      const first = await fetchHttp(request, during);
      const second = await fetchHttp(request, during);
      // A piece that comes again does not fit on; anything else is answered alike.
      return request.method === 'PUT' ? first : second;
    };
    const members = await team(5, twice);
    const round = await begin(members);
    for (const member of [...members].reverse()) await member.upload(round);
    for (const member of members) await member.upload(round).catch(({ refusal }) => expect(refusal).toBe('late'));
    await finish(members, round);
  });

  it('goes on with a payload that was cut off, from where it was cut', async () => {
    const members = await team(3);
    await begin(members);
    const [first] = members;
    const sent: string[] = [];
    let left = 1;
    const breaking: SendHttp = async (request, during) => {
      if (request.method === 'PUT') sent.push(new URL(request.url).searchParams.get('offset') ?? '');
      if (request.method === 'PUT' && left-- === 0) {
        await cut(request.url);
        throw new Error('the connection broke');
      }
      return fetchHttp(request, during);
    };
    const cutMember = await joinFederation(federation, 'cut', { send: breaking });
    await federation.command({ do: 'stop' });
    const again = await begin([first!], { minimumCohort: 4 });
    await expect(cutMember.upload(again)).rejects.toThrow('broke');
    await cutMember.upload(again);
    // The first piece came whole; the second was sent again at its place, and the first was not.
    expect(sent).toEqual(['0', '16384', '16384']);
    for (const member of members) await member.upload(again);
    await finish([...members, cutMember], again);
  });

  it('refuses payloads of another size, another content and from strangers, and publishes nothing below the minimum', async () => {
    const members = await team(4);
    const round = await begin(members, { minimumCohort: 4, durationMs: 1500 });
    const size = packedBytes(round.length, round.modulusBits);
    const put = async (bytes: Uint8Array, hash: Uint8Array, stated: number, keys = newSigningKeys()) => {
      const send = signedSender({ url, keys, send: fetchHttp, nowMs: Date.now });
      const target = `/v1/f/${hex(federation.anchors.federation)}/blobs/${hex(round.id)}/${hex(hash)}?offset=0&size=${stated}`;
      return send('PUT', target, bytes, signal);
    };
    const payload = new Uint8Array(size);
    await expect(put(payload, sha256(payload), size)).rejects.toMatchObject({ refusal: 'stranger' });
    await expect(put(payload, sha256(payload), size, federation.lead)).rejects.toMatchObject({ refusal: 'stranger' });
    const member = members[0]!;
    await expect(member.put(round, payload.subarray(4), sha256(payload))).rejects.toMatchObject({
      refusal: 'payloadSize',
    });
    await expect(member.put(round, payload, new Uint8Array(32))).rejects.toMatchObject({ refusal: 'payloadHash' });
    for (const each of members.slice(0, 3)) await each.upload(round);
    await eventually(async () => (await federation.board.list(roundTopic(round.id, 'outcome'), signal)).length > 0);
    const [outcome] = await readTopic(federation.board, roundTopic(round.id, 'outcome'), signal);
    const { federation: id, coordinator: signer } = federation.anchors;
    expect(openMessage(outcome!, failureSchema, { federation: id, signer })).toMatchObject({
      value: { body: { reason: 'belowMinimumCohort' } },
    });
    expect(await federation.board.list(roundTopic(round.id, 'survivors'), signal)).toEqual([]);
    // The payloads are gone with the round.
    await eventually(async () => {
      const held = await Promise.all(members.map((each) => each.memory.uploadFor(round.id, signal)));
      const there = await Promise.all(held.map((each) => each && blobs.read(round.id, sha256(each.payload))));
      return there.every((each) => each === undefined);
    });
  });
});

/** A request that begins and is never finished. */
async function cut(address: string): Promise<void> {
  const { hostname, port, pathname, search } = new URL(address);
  await new Promise<void>((resolve) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(
        `PUT ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/octet-stream\r\n`,
      );
      socket.write('Content-Length: 16384\r\n\r\nonly the beginning', () => {
        socket.destroy();
        resolve();
      });
    });
  });
}
