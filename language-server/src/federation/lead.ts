import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { membershipTopic, readTopic } from '#protocol/federation/board.ts';
import { fromHex, hex } from '#protocol/federation/bytes.ts';
import { type FederationState, httpBoard, type SendHttp, signedSender } from '#protocol/federation/httpBoard.ts';
import { type KeyPair, newSigningKeys } from '#protocol/federation/keys.ts';
import {
  leadCommand,
  type Membership,
  nextRoster,
  type RosterChange,
  readMembership,
} from '#protocol/federation/membership.ts';
import type { CommandAction, Start } from '#protocol/federation/messages.ts';
import { type Signed, signMessage } from '#protocol/federation/signedMessage.ts';
import { readStarts } from '#protocol/federation/startFile.ts';
import { anchorsOf, type Enrolment } from './enrolment.ts';

/** What the lead of a team does at its coordinator. Throws a `BoardRefusal` where the coordinator says no. */
export interface Lead {
  membership(signal: AbortSignal): Promise<Membership>;
  /** All that the lead has made. */
  starts(signal: AbortSignal): Promise<readonly Signed<Start>[]>;
  changeRoster(change: RosterChange, signal: AbortSignal): Promise<void>;
  command(action: CommandAction, signal: AbortSignal): Promise<void>;
  state(signal: AbortSignal): Promise<FederationState>;
}

export interface FoundOptions {
  readonly url: string;
  /** The coordinator's founding token, from whoever runs it. */
  readonly token: string;
  readonly send: SendHttp;
  readonly nowMs: () => number;
  readonly base: Enrolment['base'];
  readonly adapter: Enrolment['adapter'];
  readonly minimums: Enrolment['minimums'];
  /** Called with the lead's key before the coordinator knows of it: a federation whose key is lost is nobody's. */
  readonly keep: (federation: string, keys: KeyPair) => Promise<void>;
}

const aboutSchema = z.object({ key: z.string().regex(/^[0-9a-f]{64}$/) });

/** Begins a federation at a coordinator; gives what belongs into the repository. */
export async function foundFederation(options: FoundOptions, signal: AbortSignal): Promise<Enrolment> {
  const { send, token, nowMs, base, adapter, minimums } = options;
  const url = options.url.replace(/\/+$/, '');
  const about = await send({ method: 'GET', url: `${url}/v1/coordinator`, headers: {} }, signal);
  const { key } = aboutSchema.parse(JSON.parse(Buffer.from(about.body).toString('utf8')));
  const keys = newSigningKeys();
  const federation = new Uint8Array(randomBytes(32));
  await options.keep(hex(federation), keys);
  const message = signMessage({ type: 'found', federation, coordinator: fromHex(key) }, keys);
  const request = signedSender({ url, keys, send, nowMs });
  await request('POST', '/v1/federations', message, signal, [], { 'argot-token': token });
  return {
    schema: 1,
    federation: hex(federation),
    lead: hex(keys.publicKey),
    coordinator: { url, key },
    base,
    adapter,
    minimums,
  };
}

export function leadOf(enrolment: Enrolment, keys: KeyPair, send: SendHttp, nowMs: () => number): Lead {
  const anchors = anchorsOf(enrolment);
  const { federation } = anchors;
  const board = httpBoard({ url: enrolment.coordinator.url, federation, keys, send, nowMs });
  const membership = async (signal: AbortSignal): Promise<Membership> =>
    readMembership(await readTopic(board, membershipTopic, signal), anchors);
  return {
    membership,
    starts: (signal) => readStarts(board, anchors, signal),
    state: (signal) => board.state(signal),
    async changeRoster(change, signal) {
      const { roster } = await membership(signal);
      const next = nextRoster(federation, roster, change, keys);
      if (next === undefined) throw new Error('A team has at most 512 members: remove somebody first.');
      await board.post(membershipTopic, next, signal);
    },
    async command(action, signal) {
      await board.post('commands', leadCommand(federation, nowMs(), action, keys), signal);
    },
  };
}
