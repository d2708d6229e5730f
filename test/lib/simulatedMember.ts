import { randomBytes } from 'node:crypto';
import { membershipTopic, readTopic, roundsTopic, roundTopic } from '../../protocol/src/federation/board.ts';
import { hex } from '../../protocol/src/federation/bytes.ts';
import type { SendHttp } from '../../protocol/src/federation/httpBoard.ts';
import type { KeyPair } from '../../protocol/src/federation/keys.ts';
import { acceptRound, type MemberMemory } from '../../protocol/src/federation/member.ts';
import { type Duty, sendUpload, serveCommittee } from '../../protocol/src/federation/memberRound.ts';
import { readMembership } from '../../protocol/src/federation/membership.ts';
import type { RoundSettings } from '../../protocol/src/federation/messages.ts';
import { quantise } from '../../protocol/src/federation/quantiser.ts';
import { accept } from '../../protocol/src/federation/refusal.ts';
import { checkSum, openResult } from '../../protocol/src/federation/result.ts';
import { type RingVector, signedLane } from '../../protocol/src/federation/ring.ts';
import { openRound, quantiserOf, type Round } from '../../protocol/src/federation/round.ts';
import { signMessage } from '../../protocol/src/federation/signedMessage.ts';
import { newMemberKeys, signedCard, volatileMemory } from '../../protocol/src/federation/simulatedTeam.ts';
import { openSurvivors } from '../../protocol/src/federation/survivors.ts';
import type { TestFederation } from './coordinator.ts';

const { signal } = new AbortController();

/** A member with real keys and messages and made-up updates, over HTTP. */
export interface SimulatedMember {
  readonly name: string;
  readonly key: Uint8Array;
  readonly signing: KeyPair;
  readonly memory: MemberMemory;
  /** Levels and weight of what it sent in each round, by plan. */
  readonly sent: Map<string, { readonly levels: readonly number[]; readonly weight: number }>;
  /** The newest round, opened; undefined where there is none. */
  newestRound(): Promise<Round | undefined>;
  upload(round: Round): Promise<void>;
  /** Sends a payload under a hash, whatever either is. */
  put(round: Round, payload: Uint8Array, hash: Uint8Array): Promise<void>;
  serve(round: Round): Promise<readonly Duty[]>;
  /** The published sum after every check; undefined while there is none. */
  result(round: Round): Promise<{ readonly id: Uint8Array; readonly sum: RingVector } | undefined>;
  vote(round: Round, result: Uint8Array, adopt: boolean): Promise<void>;
}

/** Asks to be let in, is let in by the lead, and posts its card. */
export async function joinFederation(
  federation: TestFederation,
  name: string,
  options: {
    readonly send?: SendHttp;
    readonly nowMs?: () => number;
    readonly forgetful?: boolean;
    /** What it sends in place of made-up numbers, with the largest weight. */
    readonly update?: () => Float32Array;
  } = {},
): Promise<SimulatedMember> {
  const { anchors } = federation;
  const keys = newMemberKeys();
  const memory = volatileMemory();
  const board = federation.boardFor(keys.signing, options.send, options.nowMs);
  const join = signMessage({ type: 'join', federation: anchors.federation, name }, keys.signing);
  await board.post(membershipTopic, join, signal);
  await federation.approve(keys.signing.publicKey, name);
  await board.post(membershipTopic, signedCard(anchors, keys), signal);
  const sent: SimulatedMember['sent'] = new Map();

  async function accepted(round: Round) {
    const self = await acceptRound(round, keys, { minimumCohort: 3 }, memory, signal);
    if (!self.ok) throw new Error(`${name} refuses the plan: ${self.refusal}`);
    return self.value;
  }
  return {
    name,
    key: keys.signing.publicKey,
    signing: keys.signing,
    memory,
    sent,
    async newestRound() {
      const { roster } = readMembership(await readTopic(board, membershipTopic, signal), anchors);
      const rounds = (await readTopic(board, roundsTopic, signal)).flatMap((plan) => {
        const round = roster === undefined ? undefined : openRound(plan, anchors, roster);
        return round?.ok === true ? [round.value] : [];
      });
      return rounds.sort((a, b) => a.plan.round - b.plan.round).at(-1);
    },
    async upload(round) {
      const self = await accepted(round);
      const train = async () => {
        const madeUp = () => Float32Array.from({ length: round.length }, () => (Math.random() - 0.5) / 2);
        const update = (options.update ?? madeUp)();
        const { maxWeight } = round.plan;
        const weight = options.update === undefined ? 1 + Math.floor(Math.random() * maxWeight) : maxWeight;
        const result = quantise(update, weight, quantiserOf(round), new Uint8Array(randomBytes(32)));
        if (!result.ok) return result;
        const { vector } = result.value;
        if (options.forgetful) return accept(vector);
        sent.set(hex(round.id), { weight, levels: Array.from(vector.lanes, (_, i) => signedLane(vector, i)) });
        return accept(vector);
      };
      const uploaded = await sendUpload(board, round, self, { keys, memory }, train, signal);
      if (!uploaded.ok) throw new Error(`${name} could not upload: ${uploaded.refusal}`);
    },
    async put(round, payload, hash) {
      const target = `/v1/f/${hex(anchors.federation)}/blobs/${hex(round.id)}/${hex(hash)}`;
      const query = `?offset=0&size=${payload.length}`;
      await federation.requestAs(keys.signing)('PUT', target + query, payload, signal);
    },
    async serve(round) {
      await accepted(round);
      return serveCommittee(board, round, { keys, memory }, signal);
    },
    async result(round) {
      const [set] = await readTopic(board, roundTopic(round.id, 'survivors'), signal);
      const [outcome] = await readTopic(board, roundTopic(round.id, 'outcome'), signal);
      if (set === undefined || outcome === undefined) return undefined;
      const survivors = openSurvivors(set, round);
      if (!survivors.ok) throw new Error(survivors.refusal);
      const result = openResult(outcome, round, survivors.value);
      if (!result.ok) throw new Error(result.refusal);
      const blob = await board.read(result.value.body.sum, signal);
      const sum = checkSum(blob ?? new Uint8Array(0), result.value.body, round, survivors.value.body);
      if (!sum.ok) throw new Error(sum.refusal);
      return { id: result.value.id, sum: sum.value };
    },
    async vote(round, result, adopt) {
      const body = { type: 'vote', federation: anchors.federation, result, adopt };
      await board.post(roundTopic(round.id, 'votes'), signMessage(body, keys.signing), signal);
    },
  };
}

/** The exact sum of what these members sent, by what they remember. */
export function expectedSum(members: readonly SimulatedMember[], round: Round) {
  const sent = members.flatMap((member) => member.sent.get(hex(round.id)) ?? []);
  return {
    weight: sent.reduce((sum, each) => sum + each.weight, 0),
    levels: Array.from({ length: round.length }, (_, i) => sent.reduce((sum, each) => sum + (each.levels[i] ?? 0), 0)),
  };
}

/** Settings of a small round with made-up updates. */
export function smallRound(length: number, changes: Partial<RoundSettings> = {}): RoundSettings {
  return {
    base: new Uint8Array(32).fill(7),
    adapter: { rank: 8, alpha: 16, targets: ['q', 'v'], matrices: 'b', seed: 1 },
    training: { steps: 10, packsPerStep: 4, sequence: 512, learningRate: 0.001 },
    clipNorm: 1e6,
    quantiser: { bits: 8, laneBits: 16, segments: [{ length, range: 1 }] },
    maxWeight: 1000,
    minimumCohort: 3,
    privacy: { mechanism: 'none' },
    basis: null,
    durationMs: 60_000,
    seenWithinMs: 3_600_000,
    ...changes,
  };
}
