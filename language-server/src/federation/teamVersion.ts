import { join } from 'node:path';
import { sha256OfFile } from '../learning/adapterFile.ts';
import type { AdapterBase, AdapterVersions } from '../learning/adapterVersions.ts';
import {
  type DatasetLine,
  datasetOf,
  firstTokens,
  labelledTokens,
  plainLines,
  splitByTime,
  type Tokenizer,
} from '../learning/dataset.ts';
import { exampleLosses } from '../learning/exampleLosses.ts';
import {
  bestTrial,
  isClearlyBetter,
  judge,
  type Losses,
  leastHeldOut,
  type Trial,
  totalLoss,
} from '../learning/gate.ts';
import { probeTexts } from '../learning/probeTexts.ts';
import type { TrainerHost } from '../learning/trainer.ts';
import type { AdapterUse } from '../learning/trainerMessages.ts';
import type { ExampleStore } from '../store/exampleStore.ts';

export interface TeamVersionDeps {
  readonly host: TrainerHost;
  readonly base: AdapterBase;
  readonly tokenizer: Tokenizer;
  readonly store: Pick<ExampleStore, 'list'>;
  readonly versions: AdapterVersions;
  readonly repository: string;
  /** Of generic code, on which forgetting is measured. */
  readonly probeTokens: number;
  /** Of the federation; holds code as tokens while this goes on, and nothing afterwards. */
  readonly folder: string;
  readonly now: () => number;
}

const sequence = 256;
const mostExamples = 2000;
/** At which a team's adapter is tried. */
export const teamScales = [0.5, 1];

/**
 * `kept`: the gate did not find the team's adapter better on this developer's code, so it completes nothing. `tooFew`: there is
 * too little held-out code to say.
 */
export type TeamVersionOutcome =
  | { readonly kind: 'active' | 'kept'; readonly id: string; readonly gain: number }
  | { readonly kind: 'tooFew' }
  | { readonly kind: 'failed'; readonly message: string };

/**
 * Puts the team's adapter among the versions, judged like any other; it completes from now on if it is better here. The
 * personal one works on top of it where both are clearly better than the team's alone, and rests otherwise.
 */
export async function offerTeamAdapter(
  deps: TeamVersionDeps,
  file: string,
  round: number,
  signal: AbortSignal,
): Promise<TeamVersionOutcome> {
  const { versions, base, tokenizer } = deps;
  const examples = await deps.store.list({ repositories: [deps.repository], limit: mostExamples }, signal);
  const lines = datasetOf(splitByTime(examples), tokenizer, sequence).heldOut;
  if (lines.length < leastHeldOut) return { kind: 'tooFew' };
  const active = versions.active(base.sha256);
  const current = active.map(({ path, scale }) => ({ path, scale }));
  const without = current.filter((_, i) => active[i]?.card.kind !== 'team');
  const personal = personalIn(versions, base);
  const alone = teamScales.map((scale) => [{ path: file, scale }]);
  const both = personal === undefined ? [] : alone.map((stack) => [...stack, personal.use]);
  const losses = await perExample(deps, 'judged', lines, [[], current, without, ...alone, ...both], signal);
  if (losses.kind === 'failed') return losses;
  const [baseLosses = [], currentLosses = [], withoutTeam = [], ...others] = losses.losses;
  const trials = teamScales.map((team, i): Trial => {
    const [ofTeam = [], ofBoth] = [others[i], others[alone.length + i]];
    const trial = { scales: { team, personal: 0 }, losses: ofTeam };
    if (personal === undefined || ofBoth === undefined) return trial;
    const worksOnTop = personal.pinned || isClearlyBetter(ofTeam, ofBoth, teamScales.length);
    return worksOnTop ? { scales: { team, personal: personal.use.scale }, losses: ofBoth } : trial;
  });
  const best = bestTrial(trials);
  if (best === undefined) return { kind: 'failed', message: 'There is nothing to judge the team’s adapter by.' };
  const generic = firstTokens(plainLines(probeTexts, tokenizer, sequence), deps.probeTokens);
  const onTop = personal === undefined || best.scales.personal === 0 ? [] : [personal.use];
  const stack = [{ path: file, scale: best.scales.team }, ...onTop];
  const probe = await perExample(deps, 'probe', generic, [[], stack], signal);
  if (probe.kind === 'failed') return probe;
  const [probeBase = [], probeCandidate = []] = probe.losses;
  const sums = { base: totalLoss(probeBase), candidate: totalLoss(probeCandidate), tokens: labelledTokens(generic) };
  const input = {
    heldOutTokens: labelledTokens(lines),
    ...{ base: baseLosses, current: currentLosses, without: withoutTeam, trials },
  };
  const report = judge(input, best, sums, deps.now());
  const added = await versions.add(
    file,
    {
      ...{ kind: 'team', origin: 'round', base: { sha256: base.sha256, name: base.name }, parents: [], exampleIds: [] },
      counts: { round },
      gate: report,
    },
    base,
  );
  if (!added.ok) return { kind: 'failed', message: added.message };
  const { id } = added.version.card;
  const mayActivate = report.verdict === 'better' && !versions.slot('team', base.sha256).pinned;
  if (!mayActivate) return { kind: 'kept', id, gain: report.gain };
  const activated = await versions.activate(id, report.scales.team);
  if (activated.ok && personal !== undefined) await versions.activate(personal.id, report.scales.personal);
  return activated.ok ? { kind: 'active', id, gain: report.gain } : { kind: 'failed', message: activated.message };
}

/** Deletes what was offered of a file; completions go back to the team's adapter before it. False where the disk refuses. */
export async function withdrawTeamAdapter(versions: AdapterVersions, file: string): Promise<boolean> {
  const sha256 = await sha256OfFile(file).catch(() => undefined);
  const gone = versions.list().filter(({ card }) => card.origin === 'round' && card.sha256 === sha256);
  return gone.length === 0 || (await versions.remove(gone.map(({ card }) => card.id))).ok;
}

/** The personal version in its slot, as it would work; one that rests would at full scale. */
function personalIn(versions: AdapterVersions, base: AdapterBase) {
  const { history, pinned } = versions.slot('personal', base.sha256);
  const last = history.at(-1);
  const version = last === undefined ? undefined : versions.find(last.id);
  if (last === undefined || version === undefined) return undefined;
  const use: AdapterUse = { path: version.path, scale: last.scale || 1 };
  return { id: last.id, pinned, use };
}

async function perExample(
  { host, base, folder }: TeamVersionDeps,
  name: string,
  lines: readonly DatasetLine[],
  stacks: readonly (readonly AdapterUse[])[],
  signal: AbortSignal,
): Promise<
  { readonly kind: 'done'; readonly losses: readonly Losses[] } | { readonly kind: 'failed'; readonly message: string }
> {
  const data = join(folder, `${name}.jsonl`);
  const common = { model: base.gguf.path, modelSha256: base.sha256, threads: 1, lowPriority: true };
  const outcome = await exampleLosses(host, { ...common, data, sequence }, lines, stacks, signal);
  return outcome.ok ? { kind: 'done', losses: outcome.result } : { kind: 'failed', message: outcome.message };
}
