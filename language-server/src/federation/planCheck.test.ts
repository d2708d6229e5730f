import { describe, expect, it } from 'vitest';
import { expandedLength } from '#protocol/federation/basis.ts';
import { hex } from '#protocol/federation/bytes.ts';
import type { Plan } from '#protocol/federation/messages.ts';
import { parseRoundFile } from '#protocol/federation/roundFile.ts';
import { settingsOf } from '#protocol/federation/roundOverlay.ts';
import { simulatedBasis } from '#protocol/federation/simulatedBasis.ts';
import { simulatedPlan, simulatedRound, simulatedTeam } from '#protocol/federation/simulatedTeam.ts';
import { userLayer } from '../policy/lowerLayers.ts';
import { createLayeredPolicy } from '../policy/policyService.ts';
import { type Enrolment, enrolmentSchema } from './enrolment.ts';
import { objectionSentence, type PlanJudge, planObjection, settingsRefusal } from './planCheck.ts';

const team = simulatedTeam(5);
const base = simulatedPlan(team, 1000).base;
const enrolment = enrolmentSchema.parse({
  schema: 1,
  federation: hex(team.anchors.federation),
  lead: hex(team.anchors.lead),
  coordinator: { url: 'https://argot.example.org', key: hex(team.anchors.coordinator) },
  base: { sha256: hex(base), name: 'tiny' },
  adapter: { rank: 8, alpha: 16, targets: ['q', 'v'], matrices: 'b', seed: 1 },
  minimums: { minimumCohort: 3, privacyMechanisms: ['none'] },
});

const policyOf = (fields: Readonly<Record<string, unknown>>) => createLayeredPolicy([userLayer(fields).layer]);

function judge(changes: Partial<Plan> = {}, more: Partial<PlanJudge> = {}) {
  const round = simulatedRound(team, simulatedPlan(team, 1000, { base, ...changes }));
  const policy = policyOf({});
  return planObjection(round, {
    ...{ policy, enrolment, baseSha256: hex(base), updateLength: () => 1000, wholeLength: 1000, knowsParent: true },
    ...more,
  });
}

describe('a plan', () => {
  it('that keeps to enrolment and policy is taken', () => {
    expect(judge()).toBeUndefined();
    const basis = simulatedBasis({ rank: 8, directions: 1, outputs: [100, 25] }, 1);
    const more = { wholeLength: expandedLength(basis) };
    expect(judge({ quantiser: { bits: 8, segments: [{ length: 16, range: 1 }] } }, more)).toBeUndefined();
  });

  it.each<[string, Partial<Plan>, Partial<PlanJudge>]>([
    ['otherBase', { base: new Uint8Array(32) }, {}],
    ['otherBase', {}, { baseSha256: '0'.repeat(64) }],
    ['otherAdapter', { adapter: { rank: 8, alpha: 16, targets: ['q', 'v'], matrices: 'b', seed: 2 } }, {}],
    ['otherAdapter', { adapter: { rank: 8, alpha: 16, targets: ['q'], matrices: 'b', seed: 1 } }, {}],
    ['wrongLength', {}, { updateLength: () => 999 }],
    ['wrongLength', {}, { updateLength: () => undefined }],
    // A basis of two outputs, for B of rank 8: it expands to 16.
    ['wrongLength', {}, { wholeLength: expandedLength(simulatedBasis({ rank: 8, directions: 1, outputs: [2] }, 1)) }],
    ['unknownParent', {}, { knowsParent: false }],
    ['minimumTooLow', {}, { enrolment: { ...enrolment, minimums: { ...enrolment.minimums, minimumCohort: 4 } } }],
  ])('is refused: %s', (kind, changes, more) => {
    const objection = judge(changes, more);
    // What an enrolment's minimums ask is policy's to say first.
    const kinds = kind === 'minimumTooLow' ? ['policy', 'minimumTooLow'] : [kind];
    expect(kinds).toContain(objection?.kind);
    expect(objection === undefined ? '' : objectionSentence(objection)).toMatch(/\.$/);
  });

  it.each([
    [{ federation: false }, 'federation'],
    [{ network: false }, 'network'],
    [{ learning: false }, 'learning'],
    [{ minimumCohort: 8 }, 'minimumCohort'],
    [{ adapterRank: 4 }, 'adapterRank'],
    [{ adapterTargets: ['q'] }, 'adapterTargets'],
    [{ bytesPerRound: 100 }, 'bytesPerRound'],
    [{ coordinators: ['https://other.example.org'] }, 'coordinators'],
    [{ privacyMechanisms: ['client'] }, 'privacyMechanisms'],
  ])('that policy forbids is refused by its field: %j', (policy, field) => {
    const objection = judge({}, { policy: policyOf(policy) });
    expect(objection).toMatchObject({ kind: 'policy', refusal: { field } });
  });
});

describe('settings', () => {
  const open: Enrolment = {
    ...enrolment,
    minimums: { minimumCohort: 3, privacyMechanisms: ['none', 'record', 'client'] },
  };

  function refused(file: string, policy: Readonly<Record<string, unknown>>) {
    const parsed = parseRoundFile(file);
    if (!parsed.ok) throw new Error(parsed.complaint);
    const { adapter, minimums } = open;
    const outcome = settingsOf(parsed.file, {
      base: hex(base),
      length: 1000,
      members: 5,
      context: 512,
      adapter,
      minimums,
    });
    if (!outcome.ok) throw new Error(outcome.complaint);
    return settingsRefusal(outcome.settings, 5, { policy: policyOf(policy), enrolment: open })?.field;
  }

  it.each([
    ['{}', {}, undefined],
    ['{}', { epsilonPerRound: 8 }, 'epsilonPerRound'],
    ['{"privacy": {"mechanism": "client", "epsilon": 8}}', { epsilonPerRound: 8 }, undefined],
    ['{"privacy": {"mechanism": "record", "epsilon": 8}}', { epsilonPerRound: 8 }, undefined],
    ['{"privacy": {"mechanism": "record", "epsilon": 8.01}}', { epsilonPerRound: 8 }, 'epsilonPerRound'],
    ['{"privacy": {"mechanism": "client", "epsilon": 8, "delta": 1e-4}}', {}, 'delta'],
    ['{"privacy": {"mechanism": "client", "epsilon": 8}}', { privacyMechanisms: ['record'] }, 'privacyMechanisms'],
    // A thousand coordinates: ten bits each, and twelve to fourteen with the noise.
    ['{}', { bytesPerRound: 1300 }, undefined],
    ['{"privacy": {"mechanism": "client", "epsilon": 8}}', { bytesPerRound: 1300 }, 'bytesPerRound'],
  ])('%s under the policy %j: refused by %s', (file, policy, field) => {
    expect(refused(file, policy)).toBe(field);
  });
});
