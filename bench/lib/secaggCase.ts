import { randomBytes } from 'node:crypto';
import { memoryBoard } from '#protocol/federation/board.ts';
import { closeUploads, finishRound } from '#protocol/federation/coordinatorRound.ts';
import { isConnected, neighbourGraph, neighboursAmong } from '#protocol/federation/graph.ts';
import { acceptRound, type MemberMemory } from '#protocol/federation/member.ts';
import { sendUpload, serveCommittee } from '#protocol/federation/memberRound.ts';
import type { Survivors } from '#protocol/federation/messages.ts';
import { meanOf, quantise } from '#protocol/federation/quantiser.ts';
import { accept, type Outcome } from '#protocol/federation/refusal.ts';
import { answerSurvivors, type CheckedRelease, openRelease } from '#protocol/federation/release.ts';
import { type CohortMember, quantiserOf, type Round } from '#protocol/federation/round.ts';
import { type Signed, signMessage } from '#protocol/federation/signedMessage.ts';
import {
  keysAt,
  type SimulatedTeam,
  simulatedPlan,
  simulatedRound,
  simulatedTeam,
  volatileMemory,
} from '#protocol/federation/simulatedTeam.ts';
import { openMasks, streamingSum, unmask } from '#protocol/federation/sum.ts';
import { chooseSurvivors, openSurvivors } from '#protocol/federation/survivors.ts';
import { type CheckedUpload, checkPayload, openUpload, prepareUpload } from '#protocol/federation/upload.ts';
import { percentile } from './measure.ts';

export interface AggregationCase {
  readonly parameters: number;
  readonly members: number;
  readonly neighbours: number;
  readonly dropped: number;
}

export interface AggregationTimes {
  /** Quantise, agree, mask, share, seal, pack, sign: the median member. */
  readonly memberMs: number;
  /** Add the payloads up, combine the shares, unmask, give the mean. */
  readonly coordinatorMs: number;
  /** Signatures and hashes of what arrived, which the coordinator checks as it comes. */
  readonly verifyMs: number;
  /** Payload, upload and release. */
  readonly bytesPerMember: number;
}

const range = 1 / 64;

/** One round of real messages, its payloads added as they come; throws if the mean is not the update's. */
export async function playCase(
  given: AggregationCase,
  update: Float32Array,
  signal: AbortSignal,
): Promise<AggregationTimes> {
  const team = simulatedTeam(given.members);
  const round = withNeighbours(roundFor(team, given.parameters), given);
  const memories = round.cohort.map(() => volatileMemory());
  for (const memory of memories) await memory.claimRound({ round: round.plan.round, plan: round.id }, signal);
  const sum = streamingSum(round);
  const uploads: CheckedUpload[] = [];
  const messages = new Map<string, Uint8Array>();
  const [memberMs, bytes]: [number[], number[]] = [[], []];
  let [coordinatorMs, verifyMs] = [0, 0];
  for (const [place, self] of round.cohort.slice(given.dropped).entries()) {
    signal.throwIfAborted();
    const started = performance.now();
    const made = await makeUpload(round, team, self, update);
    memberMs.push(performance.now() - started);
    await memories[self.index]?.claimUpload(round.id, { ...made, payload: new Uint8Array(0) }, signal);
    const arrived = performance.now();
    const upload = got(openUpload(made.message, round));
    got(checkPayload(made.payload, upload.body.payload, round));
    const verified = performance.now();
    sum.add(made.payload);
    coordinatorMs += performance.now() - verified;
    verifyMs += verified - arrived;
    uploads.push(upload);
    messages.set(String(upload.id), made.message);
    bytes[place] = made.payload.length + made.message.length;
  }
  const message = signMessage(got(chooseSurvivors(round, uploads)), team.coordinator);
  const survivors = got(openSurvivors(message, round));
  if (survivors.body.dropped.length !== given.dropped) throw new Error('The graph left a member out: run it again.');
  const releases = await releasesFor(team, round, message, survivors, memories, messages, signal);
  const started = performance.now();
  const vector = sum.vector();
  unmask(vector, got(await openMasks(round, survivors.body, uploads, releases.checked, signal)));
  const mean = meanOf(vector, quantiserOf(round));
  coordinatorMs += performance.now() - started;
  expectMean(mean, update, round);
  const bytesPerMember = percentile(bytes, 0.5) + releases.bytes;
  return { memberMs: percentile(memberMs, 0.5), coordinatorMs, verifyMs, bytesPerMember };
}

/** A round as it is run, over a board and with every check on both sides, all members after one another. */
export async function simulatedRoundSeconds(members: number, parameters: number, signal: AbortSignal): Promise<number> {
  const team = simulatedTeam(members);
  const started = performance.now();
  const round = roundFor(team, parameters);
  const board = memoryBoard();
  const update = new Float32Array(parameters).fill(range / 2);
  const [gone, memories] = [Math.floor(members / 3), round.cohort.map(() => volatileMemory())];
  const memberOf = (index: number) => ({
    keys: keysAt(team, round, index),
    memory: memories[index] ?? volatileMemory(),
  });
  for (const { index } of round.cohort) {
    const member = memberOf(index);
    const self = got(await acceptRound(round, member.keys, { minimumCohort: 3 }, member.memory, signal));
    if (index < gone) continue;
    const train = async () => accept(quantised(round, update));
    got(await sendUpload(board, round, self, member, train, signal));
  }
  const survivors = got(await closeUploads(board, round, team.coordinator, signal));
  for (const index of round.committee.slice(-round.threshold))
    await serveCommittee(board, round, memberOf(index), signal);
  const sum = got(await finishRound(board, round, team.coordinator, survivors, signal));
  expectMean(meanOf(sum, quantiserOf(round)), update, round);
  return (performance.now() - started) / 1000;
}

function roundFor(team: SimulatedTeam, parameters: number): Round {
  const quantiser = { bits: 8, segments: [{ length: parameters, range }] };
  return simulatedRound(team, simulatedPlan(team, parameters, { quantiser, clipNorm: 1e6 }));
}

/**
 * The peer's number of neighbours, where it is not the one that the plan implies: a graph in which none of those who stay
 * loses too many neighbours, so that the number of survivors is the case's.
 */
function withNeighbours(round: Round, { neighbours, dropped }: AggregationCase): Round {
  if (round.neighbours[0]?.length === neighbours) return round;
  const staying = round.cohort.slice(dropped).map(({ index }) => index);
  const among = new Set(staying);
  for (;;) {
    const graph = neighbourGraph(round.cohort.length, neighbours, new Uint8Array(randomBytes(32)));
    const fits = staying.every((index) => neighboursAmong(graph, index, among) >= round.plan.minimumCohort - 1);
    if (fits && isConnected(graph, staying)) return { ...round, neighbours: graph };
  }
}

async function makeUpload(round: Round, team: SimulatedTeam, self: CohortMember, update: Float32Array) {
  return got(await prepareUpload(round, self, keysAt(team, round, self.index), quantised(round, update)));
}

function quantised(round: Round, update: Float32Array) {
  const { maxWeight } = round.plan;
  return got(quantise(update, maxWeight, quantiserOf(round), new Uint8Array(randomBytes(32)))).vector;
}

async function releasesFor(
  team: SimulatedTeam,
  round: Round,
  message: Uint8Array,
  survivors: Signed<Survivors>,
  memories: readonly MemberMemory[],
  messages: ReadonlyMap<string, Uint8Array>,
  signal: AbortSignal,
): Promise<{ readonly checked: readonly CheckedRelease[]; readonly bytes: number }> {
  const checked: CheckedRelease[] = [];
  let bytes = 0;
  const find = async (id: Uint8Array) => messages.get(String(id));
  for (const index of round.committee.slice(-round.threshold)) {
    const member = { keys: keysAt(team, round, index), memory: memories[index] ?? volatileMemory() };
    const release = got(await answerSurvivors(message, round, member, find, signal));
    checked.push(got(openRelease(release, round, survivors)));
    bytes = release.length;
  }
  return { checked, bytes };
}

/** Everybody sent the same, so the mean is that, to within the rounding of a single level. */
function expectMean(mean: Float32Array, update: Float32Array, round: Round): void {
  const step = range / (2 ** (round.plan.quantiser.bits - 1) - 1);
  for (let i = 0; i < update.length; i++) {
    const error = Math.abs((mean[i] ?? Number.NaN) - (update[i] ?? 0));
    if (!(error <= step * 1.001)) throw new Error(`The mean is off by ${error} at ${i}: the figures do not count.`);
  }
}

function got<Value>(outcome: Outcome<Value>): Value {
  if (!outcome.ok) throw new Error(`Refused: ${outcome.refusal} (${outcome.members.join(', ')}).`);
  return outcome.value;
}
