import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Enrolment } from '../language-server/src/federation/enrolment.ts';
import { findTrainer, startTrainer } from '../language-server/src/learning/trainer.ts';
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

/** What each member gained: a personal adapter of the same number of steps, the team's, and the one on top of the other. */
export async function memberResults(options: OutcomeOptions, signal: AbortSignal): Promise<readonly MemberResult[]> {
  const host = findTrainer(options.root, process.platform, process.arch);
  if ('missing' in host) throw new Error(host.missing);
  const { model, sequence, steps, heldOut } = options;
  const common = { model, threads: 1 };
  const tokenize = await tokenizerOf(model);
  const results: MemberResult[] = [];
  for (const [i, member] of options.members.entries()) {
    const code = options.codes[i];
    const team = lastSaid(member, 'standing')?.adapter;
    if (code === undefined) continue;
    const folder = join(options.folder, `${member.name}-outcome`);
    await mkdir(folder, { recursive: true });
    const tokens = code.heldOut.map(tokenize);
    const train = await tokenFile(join(folder, 'train.jsonl'), code.train.map(tokenize), steps * sequence, sequence);
    const choose = await tokenFile(join(folder, 'choose.jsonl'), tokens, heldOut / 2, sequence);
    const state = await tokenFile(
      join(folder, 'state.jsonl'),
      [tokens.flat().slice(heldOut / 2)],
      heldOut / 2,
      sequence,
    );
    const { adapter: shape } = options;
    const trained = async (name: string, frozen: readonly AdapterUse[]): Promise<string> => {
      const output = join(folder, name);
      const adapter = { rank: shape.rank, alpha: shape.alpha };
      const request = { ...common, data: train, output, adapter, mode: 'both' as const, seed: 2, frozen: [...frozen] };
      const more = {
        sequence,
        packsPerStep: 1,
        steps,
        learningRate: 1e-3,
        warmupSteps: Math.floor(steps / 4),
        clip: 1,
      };
      const outcome = await startTrainer(host, trainerCommands.train, { ...request, ...more }, signal).outcome;
      if (!outcome.ok) throw new Error(`${member.name}’s personal adapter: ${outcome.message}`);
      return output;
    };
    const losses = async (data: string, stacks: readonly (readonly AdapterUse[])[]): Promise<readonly number[]> => {
      const request = { ...common, data, sequence, stacks: stacks.map((stack) => [...stack]) };
      const outcome = await startTrainer(host, trainerCommands.evaluate, request, signal).outcome;
      if (!outcome.ok) throw new Error(`${member.name}’s losses: ${outcome.message}`);
      return outcome.result.stacks.map(({ loss }) => loss);
    };
    const bestOf = async (stacks: readonly (readonly AdapterUse[])[]): Promise<readonly AdapterUse[]> => {
      const measured = await losses(choose, stacks);
      return stacks[measured.indexOf(Math.min(...measured))] ?? [];
    };
    const use = (path: string, scale = 1): AdapterUse => ({ path, scale });
    const teamStack = team === undefined ? [] : [use(team)];
    const own = await trained('personal.gguf', []);
    const onTop = team === undefined ? own : await trained('on-top.gguf', teamStack);
    const personal = await bestOf([[use(own, 0.5)], [use(own)]]);
    const both = await bestOf([teamStack, [...teamStack, use(onTop, 0.5)], [...teamStack, use(onTop)]]);
    const [base = 0, ownLoss = 0, teamLoss = 0, bothLoss = 0] = await losses(state, [[], personal, teamStack, both]);
    const round = (value: number): number => Number(value.toFixed(4));
    results.push({
      member: member.name,
      base: round(base),
      personal: round(ownLoss),
      team: round(teamLoss),
      teamAndPersonal: round(bothLoss),
      adopted: team !== undefined,
    });
    await rm(folder, { recursive: true, force: true });
  }
  return results;
}
