import { hex } from './bytes.ts';
import { sha256 } from './signedMessage.ts';

/**
 * Where a federation's messages lie. In memory, over HTTP or on a queue: nobody trusts it for more than keeping a round
 * going, since whoever reads checks hashes and signatures.
 */
export interface BulletinBoard {
  /** Gives the address of the bytes, which is their hash. The same bytes again change nothing. */
  post(topic: string, bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /** Addresses of what was posted to the topic, in any order. */
  list(topic: string, signal: AbortSignal): Promise<readonly Uint8Array[]>;
  /** What it gives may lie in `into`, where that is long enough: who reads one large blob after another offers the last one's place. */
  read(address: Uint8Array, signal: AbortSignal, into?: Uint8Array): Promise<Uint8Array | undefined>;
}

export const membershipTopic = 'membership';
export const roundsTopic = 'rounds';
export const startsTopic = 'starts';
/** The organisation's policy, signed by a key that each machine has pinned or not: nobody here checks it. */
export const policyTopic = 'policy';

export function roundTopic(
  planId: Uint8Array,
  part: 'uploads' | 'blobs' | 'survivors' | 'releases' | 'outcome' | 'votes',
): string {
  return `round/${hex(planId)}/${part}`;
}

/** Where the lead puts a start's values, before the start itself. */
export function startBlobsTopic(startId: Uint8Array): string {
  return `start/${hex(startId)}/blobs`;
}

/** Everything on a topic whose bytes can be read and bear their address. */
export async function readTopic(
  board: BulletinBoard,
  topic: string,
  signal: AbortSignal,
): Promise<readonly Uint8Array[]> {
  const entries: Uint8Array[] = [];
  for (const address of await board.list(topic, signal)) {
    const entry = await readChecked(board, address, signal);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/** Undefined also where the board gives other bytes than the address calls for. */
export async function readChecked(
  board: BulletinBoard,
  address: Uint8Array,
  signal: AbortSignal,
  into?: Uint8Array,
): Promise<Uint8Array | undefined> {
  signal.throwIfAborted();
  const bytes = await board.read(address, signal, into);
  return bytes !== undefined && Buffer.compare(sha256(bytes), address) === 0 ? bytes : undefined;
}

/** A board in this process, for simulated rounds and tests. */
export function memoryBoard(): BulletinBoard {
  const entries = new Map<string, Uint8Array>();
  const topics = new Map<string, Map<string, Uint8Array>>();
  return {
    async post(topic, bytes) {
      const address = sha256(bytes);
      entries.set(hex(address), bytes);
      topics.set(topic, (topics.get(topic) ?? new Map()).set(hex(address), address));
      return address;
    },
    list: async (topic) => [...(topics.get(topic)?.values() ?? [])],
    read: async (address) => entries.get(hex(address)),
  };
}
