import { randomBytes } from 'node:crypto';
import { compareBytes, hex, sameBytes } from './bytes.ts';
import { type KeyPair, newAgreementKeys, newSigningKeys } from './keys.ts';
import type { MemberKeys, MemberMemory, PreparedUpload, RoundClaim } from './member.ts';
import type { Card, Plan, Roster } from './messages.ts';
import { openRoster } from './roster.ts';
import { type Anchors, openRound, type Round } from './round.ts';
import { type Signed, signMessage } from './signedMessage.ts';

/** A whole team in one process, with real keys and messages: for tests and benchmarks, never for a real federation. */
export interface SimulatedTeam {
  readonly anchors: Anchors;
  readonly lead: KeyPair;
  readonly coordinator: KeyPair;
  /** In the order of the cohort. */
  readonly members: readonly MemberKeys[];
  readonly roster: Signed<Roster>;
}

export function newMemberKeys(generation = 0): MemberKeys {
  return { signing: newSigningKeys(), generation, agreement: newAgreementKeys(), sealing: newAgreementKeys() };
}

export function simulatedTeam(size: number): SimulatedTeam {
  const [lead, coordinator] = [newSigningKeys(), newSigningKeys()];
  const anchors = { federation: random32(), lead: lead.publicKey, coordinator: coordinator.publicKey };
  const members = Array.from({ length: size }, () => newMemberKeys()).sort((a, b) =>
    compareBytes(a.signing.publicKey, b.signing.publicKey),
  );
  const roster: Roster = {
    type: 'roster',
    federation: anchors.federation,
    version: 1,
    previous: null,
    members: members.map(({ signing }, i) => ({ key: signing.publicKey, name: `member ${i + 1}` })),
  };
  const opened = openRoster(signMessage(roster, lead), anchors, undefined);
  if (!opened.ok) throw new Error(`The simulated roster was refused: ${opened.refusal}.`);
  return { anchors, lead, coordinator, members, roster: opened.value };
}

export function signedCard({ federation }: Anchors, keys: MemberKeys): Uint8Array {
  const card: Card = {
    type: 'card',
    federation,
    generation: keys.generation,
    agreementKey: keys.agreement.publicKey,
    sealingKey: keys.sealing.publicKey,
  };
  return signMessage(card, keys.signing);
}

/** A plan for the whole team with one segment of `length` coordinates; `changes` replace its fields. */
export function simulatedPlan(team: SimulatedTeam, length: number, changes: Partial<Plan> = {}): Plan {
  return {
    type: 'plan',
    federation: team.anchors.federation,
    round: 1,
    roster: team.roster.id,
    cohort: team.members.map((keys) => signedCard(team.anchors, keys)),
    base: random32(),
    parent: null,
    adapter: { rank: 8, alpha: 16, targets: ['q', 'v'], matrices: 'b', seed: 1 },
    training: { steps: 10, packsPerStep: 4, sequence: 512, learningRate: 0.001 },
    clipNorm: 1,
    quantiser: { bits: 8, segments: [{ length, range: 1 }] },
    maxWeight: 1000,
    minimumCohort: 3,
    privacy: { mechanism: 'none' },
    basis: null,
    deadlineMs: 1_800_000_000_000,
    ...changes,
  };
}

export function simulatedRound(team: SimulatedTeam, plan: Plan): Round {
  const round = openRound(signMessage(plan, team.coordinator), team.anchors, team.roster);
  if (!round.ok) throw new Error(`The simulated plan was refused: ${round.refusal}.`);
  return round.value;
}

/** Forgets with the process: a real member's memory is on disk before a call resolves. */
export function volatileMemory(): MemberMemory {
  let highest: RoundClaim | undefined;
  const plans = new Map<number, Uint8Array>();
  const uploads = new Map<string, PreparedUpload>();
  const answered = new Map<number, Uint8Array>();
  return {
    async claimRound(claim) {
      if (highest === undefined || claim.round > highest.round) {
        highest = claim;
        plans.set(claim.round, claim.plan);
      }
      return highest;
    },
    acceptedPlan: async (round) => plans.get(round),
    async claimUpload(planId, upload) {
      const kept = uploads.get(hex(planId)) ?? upload;
      uploads.set(hex(planId), kept);
      return kept;
    },
    uploadFor: async (planId) => uploads.get(hex(planId)),
    async claimSurvivors(round, id) {
      const first = answered.get(round) ?? id;
      answered.set(round, first);
      return first;
    },
  };
}

/** The keys of a member by its place, for a caller that knows the place to be there. */
export function keysAt(team: SimulatedTeam, round: Round, index: number): MemberKeys {
  const key = round.cohort[index]?.key;
  const keys = team.members.find(({ signing }) => key !== undefined && sameBytes(signing.publicKey, key));
  if (keys === undefined) throw new RangeError(`The team has no member at place ${index}.`);
  return keys;
}

function random32(): Uint8Array {
  return new Uint8Array(randomBytes(32));
}
