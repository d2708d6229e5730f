import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromHex } from '#protocol/federation/bytes.ts';
import { fetchHttp } from '../../coordinator/src/fetchHttp.ts';
import { membershipTopic, readTopic } from '../../protocol/src/federation/board.ts';
import { hex } from '../../protocol/src/federation/bytes.ts';
import { type HttpBoard, httpBoard, type SendHttp, signedSender } from '../../protocol/src/federation/httpBoard.ts';
import { type KeyPair, newSigningKeys } from '../../protocol/src/federation/keys.ts';
import { leadCommand, nextRoster, readMembership } from '../../protocol/src/federation/membership.ts';
import type { CommandAction } from '../../protocol/src/federation/messages.ts';
import type { Anchors } from '../../protocol/src/federation/round.ts';
import { signMessage } from '../../protocol/src/federation/signedMessage.ts';
import { coordinatorEnvironment } from '../../scripts/setup/coordinatorStart.mjs';

const main = fileURLToPath(new URL('../../coordinator/src/main.ts', import.meta.url));
const never = new AbortController().signal;

/** A coordinator as `npm run coordinator` starts it, on a port of its own, which may be killed and started again. */
export interface CoordinatorProcess extends AsyncDisposable {
  readonly url: string;
  readonly data: string;
  readonly pid: () => number;
  start(): Promise<void>;
  /** kill -9, and waits until it is gone. */
  kill(): Promise<void>;
  output(): string;
}

export async function startCoordinator(
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<CoordinatorProcess> {
  const data = await mkdtemp(join(tmpdir(), 'argot-coordinator-'));
  const port = await freePort();
  let child: ChildProcess | undefined;
  let output = '';
  const started: CoordinatorProcess = {
    url: `http://127.0.0.1:${port}`,
    data,
    pid: () => child?.pid ?? 0,
    output: () => output,
    async start() {
      const options = ['--data', data, '--port', String(port), '--tick-ms', '50', ...args];
      child = spawn(process.execPath, [main, ...options], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, ...coordinatorEnvironment, ...env },
      });
      for (const stream of [child.stdout, child.stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => {
          output += text;
        });
      }
      await reachable(`${started.url}/healthz`, () => output);
    },
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    async [Symbol.asyncDispose]() {
      await started.kill();
      await rm(data, { recursive: true, force: true });
    },
  };
  await started.start();
  return started;
}

/** A federation founded at a coordinator, with its lead's powers. */
export interface TestFederation {
  readonly anchors: Anchors;
  readonly lead: KeyPair;
  readonly board: HttpBoard;
  /** Signed requests of any kind. */
  requestAs(keys: KeyPair): ReturnType<typeof signedSender>;
  boardFor(keys: KeyPair, send?: SendHttp, nowMs?: () => number): HttpBoard;
  approve(key: Uint8Array, name: string): Promise<void>;
  command(action: CommandAction): Promise<void>;
}

export async function foundFederation(coordinator: Pick<CoordinatorProcess, 'url' | 'data'>): Promise<TestFederation> {
  const { url } = coordinator;
  const about = await (await fetch(`${url}/v1/coordinator`)).json();
  const lead = newSigningKeys();
  const federation = new Uint8Array(randomBytes(32));
  const key = fromHex(String(about.key));
  const token = (await readFile(join(coordinator.data, 'founding-token'), 'utf8')).trim();
  const send = signedSender({ url, keys: lead, send: fetchHttp, nowMs: Date.now });
  const message = signMessage({ type: 'found', federation, coordinator: key }, lead);
  await send('POST', '/v1/federations', message, never, [], { 'argot-token': token });
  return federationAt(url, { federation, lead: lead.publicKey, coordinator: key }, lead);
}

/** The powers of a lead whose federation is founded already. */
export function federationAt(url: string, anchors: Anchors, lead: KeyPair): TestFederation {
  const { federation } = anchors;
  const boardFor: TestFederation['boardFor'] = (keys, carry = fetchHttp, nowMs = Date.now) =>
    httpBoard({ url, federation, keys, send: carry, nowMs, chunkBytes: 1 << 14 });
  const board = boardFor(lead);
  let sequence = Date.now();
  return {
    anchors,
    lead,
    board,
    boardFor,
    requestAs: (keys) => signedSender({ url, keys, send: fetchHttp, nowMs: Date.now }),
    async approve(member, name) {
      const { roster } = readMembership(await readTopic(board, membershipTopic, never), anchors);
      const next = nextRoster(federation, roster, { kind: 'approve', key: member, name }, lead);
      if (next === undefined) throw new Error(`${hex(member)} does not fit into the roster.`);
      await board.post(membershipTopic, next, never);
    },
    async command(action) {
      sequence = Math.max(sequence + 1, Date.now());
      await board.post('commands', leadCommand(federation, sequence, action, lead), never);
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('There is no port to listen on.');
  return address.port;
}

async function reachable(url: string, output: () => string): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const ok = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
    if (Date.now() > deadline) throw new Error(`The coordinator did not start: ${output()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
