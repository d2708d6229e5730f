import { sameBytes } from './bytes.ts';
import type { Plan, Start } from './messages.ts';
import { updateLength } from './quantiser.ts';
import { accept, type Outcome, refuse } from './refusal.ts';
import type { Signed } from './signedMessage.ts';
import { fitsStart, newestStart, type StartShape } from './start.ts';

export type PlanBasisRefusal =
  | 'basisMechanism'
  | 'basisUnknown'
  | 'basisMissing'
  | 'basisLength'
  | 'startBase'
  | 'startAdapter';

type PlanWithBasis = Pick<Plan, 'base' | 'adapter' | 'privacy' | 'basis' | 'quantiser'>;

/** Of the lead's starts, the one by whose basis a plan's updates are reduced; undefined where they are sent whole. */
export function basisStart(
  plan: PlanWithBasis,
  starts: readonly Signed<Start>[],
): Outcome<Signed<Start> | undefined, PlanBasisRefusal> {
  const { basis, privacy, quantiser } = plan;
  if (basis === null) return accept(undefined);
  if (privacy.mechanism === 'none') return refuse('basisMechanism');
  const start = starts.find(({ id }) => sameBytes(id, basis));
  if (start === undefined) return refuse('basisUnknown');
  const fits = fitsStart(start.body, { base: plan.base, adapter: plan.adapter });
  if (!fits.ok) return fits;
  const length = coefficientsOf(start.body);
  if (length === undefined) return refuse('basisMissing');
  return length === updateLength(quantiser.segments) ? accept(start) : refuse('basisLength');
}

/** What a plan's parent has to agree in: its updates are of the model's length, though what is summed need not be. */
export function parentShape(
  plan: PlanWithBasis,
  starts: readonly Signed<Start>[],
): Outcome<StartShape, PlanBasisRefusal> {
  const start = basisStart(plan, starts);
  if (!start.ok) return start;
  const { segments } = start.value?.body ?? plan.quantiser;
  return accept({ base: plan.base, adapter: plan.adapter, length: updateLength(segments) });
}

/** What settings name to have members send coefficients. */
export interface UsableBasis {
  /** The id of its start. */
  readonly start: Uint8Array;
  /** Coefficients that stand for an update. */
  readonly length: number;
}

/** The basis of the newest start that fits; undefined where this one has none. */
export function newestBasis(starts: readonly Signed<Start>[], shape: StartShape): UsableBasis | undefined {
  const start = newestStart(starts, shape);
  const length = start && coefficientsOf(start.body);
  return start === undefined || length === undefined ? undefined : { start: start.id, length };
}

function coefficientsOf({ basis, segments, adapter }: Start): number | undefined {
  return basis === null ? undefined : segments.length * basis.directions * adapter.rank;
}
