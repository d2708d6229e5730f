import { randomBytes } from 'node:crypto';
import type { MemberKeys } from './member.ts';
import type { Survivors } from './messages.ts';
import { quantise } from './quantiser.ts';
import { answerSurvivors } from './release.ts';
import { memberAt, quantiserOf, type Round } from './round.ts';
import { signMessage } from './signedMessage.ts';
import { keysAt, simulatedPlan, simulatedRound, simulatedTeam, volatileMemory } from './simulatedTeam.ts';
import { chooseSurvivors } from './survivors.ts';
import { openUpload, prepareUpload } from './upload.ts';

/** A small team's round after the uploads, for tests of what is refused from there on. */

export const signal: AbortSignal = new AbortController().signal;
export const team = simulatedTeam(5);
export const plan = simulatedPlan(team, 3);
export const round = simulatedRound(team, plan);

export async function prepared(given: Round, keys: MemberKeys, index: number) {
  const vector = quantise(new Float32Array(3), 1, quantiserOf(given), new Uint8Array(randomBytes(32)));
  if (!vector.ok) throw new Error(vector.refusal);
  const upload = await prepareUpload(given, memberAt(given, index), keys, vector.value.vector);
  if (!upload.ok) throw new Error(upload.refusal);
  return upload.value;
}

/** A round in which all but the last member have uploaded. */
export async function uploaded() {
  const memories = round.cohort.map(() => volatileMemory());
  for (const memory of memories) await memory.claimRound({ round: 1, plan: round.id }, signal);
  const messages = new Map<string, Uint8Array>();
  const uploads = [];
  for (const { index } of round.cohort.slice(0, 4)) {
    const upload = await prepared(round, keysAt(team, round, index), index);
    await memories[index]?.claimUpload(round.id, upload, signal);
    const checked = openUpload(upload.message, round);
    if (!checked.ok) throw new Error(checked.refusal);
    uploads.push(checked.value);
    messages.set(String(checked.value.id), upload.message);
  }
  const chosen = chooseSurvivors(round, uploads);
  if (!chosen.ok) throw new Error(chosen.refusal);
  const find = async (id: Uint8Array) => messages.get(String(id));
  const answer = (body: Survivors, index: number, signedBy = team.coordinator) =>
    answerSurvivors(
      signMessage(body, signedBy),
      round,
      { keys: keysAt(team, round, index), memory: memories[index] ?? volatileMemory() },
      find,
      signal,
    );
  return { uploads, messages, find, survivors: chosen.value, answer };
}
