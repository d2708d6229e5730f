import { compareBytes, sameBytes } from './bytes.ts';
import { degreeFor, drawCommittee, type Graph, neighbourGraph } from './graph.ts';
import { cardSchema, type Plan, planSchema, type Roster } from './messages.ts';
import { type QuantiserSpec, updateLength } from './quantiser.ts';
import { accept, type MessageRefusal, type Outcome, refuse } from './refusal.ts';
import { modulusBits } from './ring.ts';
import { committeeSeed, graphSeed } from './seeds.ts';
import { openMessage, type Signed } from './signedMessage.ts';
import { noiseVariance, sumBound } from './sumBound.ts';

/** What a member knows from its repository's enrolment, whatever the coordinator says. */
export interface Anchors {
  readonly federation: Uint8Array;
  readonly lead: Uint8Array;
  readonly coordinator: Uint8Array;
}

/** A member of a round's cohort; its index is its place there. */
export interface CohortMember {
  readonly index: number;
  /** Ed25519, also the member's name. */
  readonly key: Uint8Array;
  readonly generation: number;
  readonly agreementKey: Uint8Array;
  readonly sealingKey: Uint8Array;
}

/** What a plan implies: everything here is derived, on both sides alike. */
export interface RoundShape {
  readonly neighbours: Graph;
  /** Places in the cohort, ascending. */
  readonly committee: readonly number[];
  /** Committee members whose shares give a seed back. */
  readonly threshold: number;
  /** No coordinate of a sum is further from 0. */
  readonly sumBound: number;
  readonly modulusBits: number;
  /** Coordinates of an update. */
  readonly length: number;
}

/** A plan whose form, signatures and cohort hold. */
export interface Round extends RoundShape {
  readonly anchors: Anchors;
  readonly plan: Plan;
  readonly id: Uint8Array;
  readonly cohort: readonly CohortMember[];
}

export type PlanRefusal =
  | MessageRefusal
  | 'wrongRoster'
  | 'cohortOrder'
  | 'madeUpMember'
  | 'swappedKey'
  | 'cohortTooSmall'
  | 'sumTooWide'
  | 'weightTells';

/** The checks of a plan that are the same for everybody; a member's own are in `acceptRound`. */
export function openRound(message: Uint8Array, anchors: Anchors, roster: Signed<Roster>): Outcome<Round, PlanRefusal> {
  const signed = openMessage(message, planSchema, { federation: anchors.federation, signer: anchors.coordinator });
  if (!signed.ok) return signed;
  const { body: plan, id } = signed.value;
  if (!sameBytes(plan.roster, roster.id)) return refuse('wrongRoster');
  const cohort = openCohort(plan, anchors, roster.body);
  if (!cohort.ok) return cohort;
  if (plan.minimumCohort > cohort.value.length) return refuse('cohortTooSmall');
  if (plan.privacy.mechanism === 'client' && plan.maxWeight !== 1) return refuse('weightTells');
  const shape = roundShape(plan, id);
  if (shape.modulusBits > 32) return refuse('sumTooWide');
  return accept({ ...shape, anchors, plan, id, cohort: cohort.value });
}

/** docs/protocol.md, “What a plan implies”. */
export function roundShape(plan: Plan, id: Uint8Array): RoundShape {
  const members = plan.cohort.length;
  const committee = drawCommittee(members, committeeSeed(id));
  const bound = sumBound(members, plan.quantiser.bits, noiseVariance(plan.privacy));
  return {
    neighbours: neighbourGraph(members, degreeFor(members, plan.minimumCohort), graphSeed(id)),
    committee,
    threshold: committee.length - Math.floor(committee.length / 3),
    sumBound: bound,
    modulusBits: modulusBits(bound),
    length: updateLength(plan.quantiser.segments),
  };
}

export function quantiserOf({ plan, modulusBits }: Round): QuantiserSpec {
  const { quantiser, clipNorm, maxWeight } = plan;
  return { bits: quantiser.bits, segments: quantiser.segments, clipNorm, maxWeight, modulusBits };
}

export function memberByKey(round: Round, key: Uint8Array): CohortMember | undefined {
  return round.cohort.find((member) => sameBytes(member.key, key));
}

/** The member at a place that the round's own derivation gave: absence is a bug, not an outcome. */
export function memberAt(round: Round, index: number): CohortMember {
  const member = round.cohort[index];
  if (member === undefined) throw new RangeError(`The cohort has no member ${index}.`);
  return member;
}

function openCohort(
  plan: Plan,
  anchors: Anchors,
  roster: Roster,
): Outcome<readonly CohortMember[], 'cohortOrder' | 'madeUpMember' | 'swappedKey'> {
  const known = new Set(roster.members.map(({ key }) => keyName(key)));
  const cohort: CohortMember[] = [];
  for (const [index, message] of plan.cohort.entries()) {
    const card = openMessage(message, cardSchema, { federation: anchors.federation });
    if (!card.ok) return refuse('swappedKey', [index]);
    const { signer, body } = card.value;
    if (!known.has(keyName(signer))) return refuse('madeUpMember', [index]);
    const { generation, agreementKey, sealingKey } = body;
    cohort.push({ index, key: signer, generation, agreementKey, sealingKey });
  }
  const outOfOrder = cohort.find(({ key }, i) => i > 0 && compareBytes(cohort[i - 1]?.key ?? key, key) >= 0);
  return outOfOrder ? refuse('cohortOrder', [outOfOrder.index]) : accept(cohort);
}

function keyName(key: Uint8Array): string {
  return Buffer.from(key).toString('base64');
}
