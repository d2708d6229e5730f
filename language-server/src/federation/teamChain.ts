import { join } from 'node:path';
import type { BulletinBoard } from '#protocol/federation/board.ts';
import { hex } from '#protocol/federation/bytes.ts';
import { meanOf } from '#protocol/federation/quantiser.ts';
import { accept, type Outcome, refuse } from '#protocol/federation/refusal.ts';
import { quantiserOf, type Round } from '#protocol/federation/round.ts';
import { claimsIn } from './claims.ts';
import { type FederationLog, readEnd } from './federationLog.ts';

/**
 * The team's adapter after a result: the seeded start plus the mean of each round that led there. Every member adds the
 * same floats in the same order, so that all have the same bits. Verified totals are kept on disk.
 */
export interface TeamChain {
  /** The total after a result of which the plan is in the log; every round on the way is verified. */
  totalAfter(result: Uint8Array, log: FederationLog, signal: AbortSignal): Promise<Outcome<Float32Array>>;
}

export function teamChain(folder: string, board: BulletinBoard): TeamChain {
  const totals = claimsIn(join(folder, 'totals'));

  async function totalAfter(
    result: Uint8Array,
    log: FederationLog,
    signal: AbortSignal,
  ): Promise<Outcome<Float32Array>> {
    const pending: { readonly round: Round; readonly mean: Float32Array; readonly result: Uint8Array }[] = [];
    let total: Float32Array | undefined;
    let next: Uint8Array | null = result;
    while (next !== null && total === undefined) {
      const known = await totals.read(hex(next));
      if (known !== undefined) total = floatsOf(known);
      else {
        const found = await findResult(next, board, log, signal);
        if (!found.ok) return found;
        pending.push({ ...found.value, result: next });
        next = found.value.round.plan.parent;
      }
    }
    for (const { mean, result: id } of pending.reverse()) {
      total = total === undefined ? mean : added(total, mean);
      await totals.claim(hex(id), new Uint8Array(total.buffer, total.byteOffset, total.byteLength));
    }
    return total === undefined ? refuse('unknownResult') : accept(total);
  }
  return { totalAfter };
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
