import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Enrolment } from '../language-server/src/federation/enrolment.ts';
import { fillIn } from '../language-server/src/learning/exampleLosses.ts';
import { isClearlyBetter } from '../language-server/src/learning/gate.ts';
import { findTrainer, startTrainer, type TrainerHost } from '../language-server/src/learning/trainer.ts';
import { type AdapterUse, trainerCommands } from '../language-server/src/learning/trainerMessages.ts';
import { lastSaid, type MemberHandle } from './memberHandle.ts';
import { tokenFile, tokenizerOf } from './nativeMemberTrainer.ts';

export interface CodeOfMember {
  readonly train: readonly string[];
  readonly heldOut: readonly string[];
  /** Paths and repository names. */
  readonly names: readonly string[];
}

export interface OutcomeOptions {
  readonly members: readonly MemberHandle[];
  readonly codes: readonly CodeOfMember[];
  readonly root: string;
  readonly model: string;
  readonly steps: number;
  readonly sequence: number;
  readonly heldOut: number;
  readonly adapter: Enrolment['adapter'];
  readonly folder: string;
}

/** Held-out losses in nats a token. */
export interface MemberResult {
  readonly member: string;
  readonly base: number;
  readonly personal: number;
  readonly team: number;
  readonly teamAndPersonal: number;
  readonly adopted: boolean;
}

/** So many members at a time: the trainer takes one core each. */
const atOnce = 2;

/** What each member gained: a personal adapter of the same number of steps, the team's, and the one on top of the other. */
export async function memberResults(options: OutcomeOptions, signal: AbortSignal): Promise<readonly MemberResult[]> {
  const tokenize = await tokenizerOf(options.model);
  const results: MemberResult[] = [];
  for (let from = 0; from < options.members.length; from += atOnce) {
    const some = options.members.slice(from, from + atOnce).map((member, i) => {
      const code = options.codes[from + i];
      if (code === undefined) throw new Error(`${member.name} has no code.`);
      return resultOf(options, member, code, tokenize, signal);
    });
    results.push(...(await Promise.all(some)));
  }
  return results;
}

async function resultOf(
  options: OutcomeOptions,
  member: MemberHandle,
  code: CodeOfMember,
  tokenize: (text: string) => readonly number[],
  signal: AbortSignal,
): Promise<MemberResult> {
  const host = trainerIn(options.root);
  const { model, sequence, steps, heldOut, adapter: shape } = options;
  const common = { model, threads: 1 };
  const team = lastSaid(member, 'standing')?.adapter;
  const folder = join(options.folder, `${member.name}-outcome`);
  await mkdir(folder, { recursive: true });
  const tokens = code.heldOut.flatMap(tokenize);
  const chooses = Math.round((heldOut * 2) / 3);
  const train = await tokenFile(join(folder, 'train.jsonl'), code.train.map(tokenize), steps * sequence, sequence);
  // Many short windows: what they agree on is no chance.
  const choose = await tokenFile(join(folder, 'choose.jsonl'), [tokens], chooses, choiceWindow);
  const state = await tokenFile(join(folder, 'state.jsonl'), [tokens.slice(chooses)], heldOut - chooses, sequence);

  async function trained(name: string, frozen: readonly AdapterUse[]): Promise<string> {
    const output = join(folder, name);
    const adapter = { rank: shape.rank, alpha: shape.alpha };
    const request = { ...common, data: train, output, adapter, mode: 'both' as const, seed: 2, frozen: [...frozen] };
    const warmupSteps = Math.floor(steps / 4);
    const more = { sequence, packsPerStep: 1, steps, learningRate: 1e-3, warmupSteps, clip: 1 };
    const outcome = await startTrainer(host, trainerCommands.train, { ...request, ...more }, signal).outcome;
    if (!outcome.ok) throw new Error(`${member.name}’s personal adapter: ${outcome.message}`);
    return output;
  }
  /** Of each stack the loss of each window, summed over its tokens, and the mean of all tokens. */
  async function losses(data: string, stacks: readonly Stack[]) {
    const windows = stacks.map((): number[] => []);
    const request = { ...common, data, sequence, stacks: stacks.map((stack) => [...stack]) };
    const outcome = await startTrainer(host, trainerCommands.evaluate, request, signal, fillIn(windows)).outcome;
    if (!outcome.ok) throw new Error(`${member.name}’s losses: ${outcome.message}`);
    return outcome.result.stacks.map(({ loss }, i) => ({ mean: loss, windows: windows[i] ?? [] }));
  }
  /** What is there already, unless one of the others is clearly better: as in the editor. */
  async function clearlyBest(plain: Stack, others: readonly Stack[]): Promise<Stack> {
    const [before, ...after] = await losses(choose, [plain, ...others]);
    const passed = others.flatMap((stack, i) => {
      const own = after[i];
      const isBetter = isClearlyBetter(before?.windows ?? [], own?.windows ?? [], others.length);
      return own !== undefined && isBetter ? [{ stack, mean: own.mean }] : [];
    });
    return passed.toSorted((a, b) => a.mean - b.mean)[0]?.stack ?? plain;
  }
  const use = (path: string, scale = 1): AdapterUse => ({ path, scale });
  const teamStack = team === undefined ? [] : [use(team)];
  const own = await trained('personal.gguf', []);
  const onTop = team === undefined ? own : await trained('on-top.gguf', teamStack);
  const personal = await clearlyBest([], [[use(own, 0.5)], [use(own)]]);
  const both = await clearlyBest(teamStack, [
    [...teamStack, use(onTop, 0.5)],
    [...teamStack, use(onTop)],
  ]);
  const stated = (await losses(state, [[], personal, teamStack, both])).map(({ mean }) => Number(mean.toFixed(4)));
  await rm(folder, { recursive: true, force: true });
  const [base = 0, ownLoss = 0, teamLoss = 0, teamAndPersonal = 0] = stated;
  const adopted = team !== undefined;
  return { member: member.name, base, personal: ownLoss, team: teamLoss, teamAndPersonal, adopted };
}

function trainerIn(root: string): TrainerHost {
  const host = findTrainer(root, process.platform, process.arch);
  if ('missing' in host) throw new Error(host.missing);
  return host;
}

type Stack = readonly AdapterUse[];
const choiceWindow = 64;
