import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { roundBasis } from '#protocol/federation/basis.ts';
import { memoryBoard } from '#protocol/federation/board.ts';
import { fromHex, hex } from '#protocol/federation/bytes.ts';
import { readMembership } from '#protocol/federation/membership.ts';
import type { CommandAction, RoundSettings } from '#protocol/federation/messages.ts';
import { updateLength } from '#protocol/federation/quantiser.ts';
import { roundFilePath } from '#protocol/federation/roundDefaults.ts';
import { signMessage } from '#protocol/federation/signedMessage.ts';
import { simulatedBasis } from '#protocol/federation/simulatedBasis.ts';
import { simulatedTeam } from '#protocol/federation/simulatedTeam.ts';
import { roundStart } from '#protocol/federation/start.ts';
import { postStart, readStarts } from '#protocol/federation/startFile.ts';
import type { GgufFile } from '../engine/gguf.ts';
import { enrolmentSchema } from '../federation/enrolment.ts';
import { userLayer } from '../policy/lowerLayers.ts';
import { createLayeredPolicy } from '../policy/policyService.ts';
import { beginRounds } from './leadRounds.ts';

const { signal } = new AbortController();
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argot-lead-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const team = simulatedTeam(5);
const gguf: GgufFile = {
  ...{ path: '', sizeBytes: 0, architecture: 'tiny', vocabularySize: 0, parameterCount: 0, weightsBytes: 0 },
  metadata: new Map([['tiny.context_length', 512]]),
  markers: new Map(),
  tensors: new Map([
    ['blk.0.attn_q.weight', [24, 24]],
    ['blk.0.attn_v.weight', [24, 12]],
  ]),
};
const base = { sha256: 'ab'.repeat(32), name: 'Tiny', gguf };
const enrolment = enrolmentSchema.parse({
  schema: 1,
  federation: hex(team.anchors.federation),
  lead: hex(team.anchors.lead),
  coordinator: { url: 'https://argot.example.org', key: hex(team.anchors.coordinator) },
  base: { sha256: base.sha256, name: base.name },
  adapter: { rank: 2, alpha: 4, targets: ['q', 'v'], matrices: 'b', seed: 1 },
  minimums: { minimumCohort: 3, privacyMechanisms: ['none', 'client'] },
});
const { adapter } = enrolment;

/** A board on which the lead has made a start with a basis of three directions. */
async function startedBoard() {
  const lengths = [48, 24];
  const values = roundStart(new Float32Array(72), lengths);
  const basis = roundBasis(simulatedBasis({ rank: 2, directions: 3, outputs: [24, 12] }, 1));
  if (!values.ok || !basis.ok) throw new Error('There is no start to make.');
  const { segments, levels } = values.value;
  const own = { directions: 3, ranges: [...basis.value.ranges], levels: basis.value.levels };
  const file = { base: fromHex(base.sha256), adapter, description: 'packages', segments, levels, basis: own };
  const board = memoryBoard();
  const head = { federation: team.anchors.federation, sequence: 1 };
  const posted = await postStart(board, file, head, team.lead, signal);
  if (!posted.ok) throw new Error(posted.refusal);
  return { board, start: posted.value };
}

async function begun(roundFile: object, board = memoryBoard()): Promise<RoundSettings> {
  const path = join(folder, roundFilePath);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, JSON.stringify(roundFile));
  const commands: CommandAction[] = [];
  const lead = {
    membership: async () => readMembership([signMessage(team.roster.body, team.lead)], team.anchors),
    starts: () => readStarts(board, team.anchors, signal),
    command: async (action: CommandAction) => void commands.push(action),
  };
  const opened = { base: async () => base, policy: createLayeredPolicy([userLayer({}).layer]) };
  const action = { do: 'start', folder: pathToFileURL(folder).href } as const;
  const outcome = await beginRounds({ opened, enrolment, lead }, action, signal);
  expect(outcome).toMatchObject({ ok: true });
  const [command] = commands;
  if (command?.do !== 'start') throw new Error('No round has begun.');
  return command.settings;
}

const privacy = { mechanism: 'client', epsilon: 8 };

it('a client-level round goes by the basis of the team’s start, unless the repository’s file says no', async () => {
  const { board, start } = await startedBoard();
  const length = ({ quantiser }: RoundSettings) => updateLength(quantiser.segments);
  const byBasis = await begun({ privacy }, board);
  // Two matrices, three directions, rank 2.
  expect([byBasis.basis, length(byBasis)]).toEqual([start, 12]);
  for (const settings of [
    await begun({ privacy: { ...privacy, basis: false } }, board),
    await begun({ privacy }),
    await begun({}, board),
  ]) {
    expect([settings.basis, length(settings)]).toEqual([null, 72]);
  }
});
