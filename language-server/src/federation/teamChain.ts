import { join } from 'node:path';
import { type Basis, expandUpdate } from '#protocol/federation/basis.ts';
import type { BulletinBoard } from '#protocol/federation/board.ts';
import { hex, sameBytes } from '#protocol/federation/bytes.ts';
import type { Start } from '#protocol/federation/messages.ts';
import { basisStart, parentShape } from '#protocol/federation/planBasis.ts';
import { meanOf } from '#protocol/federation/quantiser.ts';
import { accept, type Outcome, refuse } from '#protocol/federation/refusal.ts';
import { quantiserOf, type Round } from '#protocol/federation/round.ts';
import type { Signed } from '#protocol/federation/signedMessage.ts';
import { fitsStart, type StartShape, startValues } from '#protocol/federation/start.ts';
import { startBasis } from '#protocol/federation/startBasis.ts';
import { claimsIn } from './claims.ts';
import { type FederationLog, readEnd } from './federationLog.ts';

/**
 * The team's adapter after a result: the seeded start, plus the values of the lead's start where the first round has one as its
 * parent, plus the mean of each round that led there, expanded where its plan has a basis. Every member adds the same floats in
 * the same order, so that all have the same bits. Verified totals are kept on disk.
 */
export interface TeamChain {
  /** The total after a result of which the plan is in the log; every round on the way is verified, and the start. */
  totalAfter(result: Uint8Array, log: FederationLog, signal: AbortSignal): Promise<Outcome<Float32Array>>;
  /** What a round begins from; undefined is the seeded start. */
  totalBefore(round: Round, log: FederationLog, signal: AbortSignal): Promise<Outcome<Float32Array | undefined>>;
  /** The values of one of the log's starts, for an adapter of this shape. */
  totalOf(start: Signed<Start>, shape: StartShape, signal: AbortSignal): Promise<Outcome<Float32Array>>;
  /** By which a round's updates are reduced; undefined where they are sent whole. */
  basisOf(round: Round, log: FederationLog, signal: AbortSignal): Promise<Outcome<Basis | undefined>>;
}

export function teamChain(folder: string, board: BulletinBoard): TeamChain {
  const totals = claimsIn(join(folder, 'totals'));
  const startBlobs = claimsIn(join(folder, 'starts'));

  /** `before` is the round that goes on from there, where one does: a start has to fit it. */
  async function totalAt(
    id: Uint8Array,
    before: Round | undefined,
    log: FederationLog,
    signal: AbortSignal,
  ): Promise<Outcome<Float32Array>> {
    const pending: Link[] = [];
    let total: Float32Array | undefined;
    let next: Uint8Array | null = id;
    while (next !== null && total === undefined) {
      const child = pending.at(-1)?.round ?? before;
      const start = startIn(log, next);
      if (start !== undefined && child !== undefined) {
        const shape = parentShape(child.plan, log.starts);
        const values = shape.ok ? await totalOf(start, shape.value, signal) : shape;
        if (!values.ok) return values;
        total = values.value;
        break;
      }
      const known = await totals.read(hex(next));
      if (known !== undefined) total = floatsOf(known);
      else {
        const found = await findResult(next, board, log, signal);
        if (!found.ok) return found;
        const mean = await expanded(found.value, log, signal);
        if (!mean.ok) return mean;
        pending.push({ round: found.value.round, mean: mean.value, result: next });
        next = found.value.round.plan.parent;
      }
    }
    for (const { mean, result } of pending.reverse()) {
      total = total === undefined ? mean : added(total, mean);
      await totals.claim(hex(result), new Uint8Array(total.buffer, total.byteOffset, total.byteLength));
    }
    return total === undefined ? refuse('unknownResult') : accept(total);
  }

  async function totalOf(
    { body }: Signed<Start>,
    shape: StartShape,
    signal: AbortSignal,
  ): Promise<Outcome<Float32Array>> {
    const fits = fitsStart(body, shape);
    if (!fits.ok) return fits;
    return opened(body.values, (blob) => startValues(blob, body), signal);
  }

  async function basisOf(round: Round, log: FederationLog, signal: AbortSignal): Promise<Outcome<Basis | undefined>> {
    const start = basisStart(round.plan, log.starts);
    if (!start.ok) return start;
    if (start.value === undefined) return accept(undefined);
    const { body } = start.value;
    if (body.basis === null) return refuse('basisMissing');
    return opened(body.basis.values, (blob) => startBasis(blob, body), signal);
  }

  /** What a start's blob holds; one that was found right is kept, and read from the board once. */
  async function opened<Value>(
    hash: Uint8Array,
    open: (blob: Uint8Array | undefined) => Outcome<Value>,
    signal: AbortSignal,
  ): Promise<Outcome<Value>> {
    const kept = await startBlobs.read(hex(hash));
    const blob = kept ?? (await board.read(hash, signal));
    const value = open(blob);
    if (value.ok && kept === undefined && blob !== undefined) await startBlobs.claim(hex(hash), blob);
    return value;
  }

  async function expanded(
    { round, mean }: Pick<Link, 'round' | 'mean'>,
    log: FederationLog,
    signal: AbortSignal,
  ): Promise<Outcome<Float32Array>> {
    const basis = await basisOf(round, log, signal);
    if (!basis.ok) return basis;
    return basis.value === undefined ? accept(mean) : expandUpdate(mean, basis.value);
  }

  return {
    totalOf,
    basisOf,
    totalAfter: (result, log, signal) => totalAt(result, undefined, log, signal),
    async totalBefore(round, log, signal) {
      const { parent } = round.plan;
      return parent === null ? accept(undefined) : totalAt(parent, round, log, signal);
    },
  };
}

/** A round on the way, and the mean that it published, of an update's length. */
interface Link {
  readonly round: Round;
  readonly mean: Float32Array;
  readonly result: Uint8Array;
}

function startIn({ starts }: FederationLog, id: Uint8Array): Signed<Start> | undefined {
  return starts.find((start) => sameBytes(start.id, id));
}

async function findResult(id: Uint8Array, board: BulletinBoard, log: FederationLog, signal: AbortSignal) {
  for (const plan of [...log.plans].reverse()) {
    signal.throwIfAborted();
    const round = log.open(plan);
    if (!round.ok) continue;
    const end = await readEnd(board, round.value, signal);
    if (end.kind === 'refused') return refuse(end.refusal);
    if (end.kind !== 'published' || hex(end.result.id) !== hex(id)) continue;
    return accept({ round: round.value, mean: meanOf(end.sum, quantiserOf(round.value)) });
  }
  return refuse('unknownResult');
}

/** Where the rounds' adapters differ in length there is nothing to add: the plans' check has told of it before. */
function added(total: Float32Array, mean: Float32Array): Float32Array {
  if (total.length !== mean.length) throw new RangeError('Two rounds of one chain have updates of different lengths.');
  return total.map((value, i) => value + (mean[i] ?? 0));
}

function floatsOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}
