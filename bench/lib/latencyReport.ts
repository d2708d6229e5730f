import type { StatisticsResult } from '#protocol/status.ts';
import { percentile, rounded } from './measure.ts';
import type { Played } from './replay.ts';
import { decodeSpeed, overheads, overheadsInServer, type Summary, summary } from './report.ts';
import type { CancelTrial, TypingThrough } from './trials.ts';

export interface LatencyRun {
  readonly ours: readonly Played[];
  readonly peer: readonly Played[];
  /** The server's counters before and after the replay. */
  readonly before: StatisticsResult;
  readonly after: StatisticsResult;
  readonly rssMiB: number;
  readonly peerRssMiB: number;
  readonly cancels: readonly CancelTrial[];
  readonly through: TypingThrough;
}

/** The keys that are promised, and what stands behind them. Shares and ratios have no unit. */
export function latencyResult(run: LatencyRun) {
  const [ours, peer] = [summary(run.ours), summary(run.peer)];
  const overhead = overheads(run.ours);
  const firstLines = run.peer.map(({ record }) => record.firstLineMs ?? record.latencyMs);
  const withPrompt = run.ours.flatMap(({ record }, i) =>
    record.prompt === undefined ? [] : [{ ours: record.prompt, peer: run.peer[i]?.record.prompt }],
  );
  return {
    p50Ratio: rounded(ours.p50Ms / peer.p50Ms, 3),
    p95Ratio: rounded(ours.p95Ms / peer.p95Ms, 3),
    // Of the same tokens for both: those of the prompts that one request a keystroke has.
    promptTokensEvaluatedShare: rounded(
      (run.after.evaluatedTokens - run.before.evaluatedTokens) / peer.promptTokens,
      4,
    ),
    peerPromptTokensEvaluatedShare: rounded(peer.evaluatedTokens / peer.promptTokens, 4),
    decodeTokensPerSecond: rounded(decodeSpeed(run.ours), 1),
    peerDecodeTokensPerSecond: rounded(decodeSpeed(run.peer), 1),
    overheadP95Ms: rounded(percentile(overhead, 0.95), 2),
    cancelDecodeTokens: Math.max(...run.cancels.map(({ decodeTokens }) => decodeTokens)),
    cancelPrefillTokens: Math.max(...run.cancels.map(({ prefillTokens }) => prefillTokens)),
    typingThroughModelCalls: run.through.modelCalls,
    rssMiB: rounded(run.rssMiB, 1),
    peerRssMiB: rounded(run.peerRssMiB, 1),
    requests: run.ours.length,
    details: {
      ours,
      peer,
      overheadP50Ms: rounded(percentile(overhead, 0.5), 2),
      /** The part of it that passes inside the server; the rest is the socket, the client and waiting for a core. */
      overheadInServerP95Ms: rounded(percentile(overheadsInServer(run.ours), 0.95), 2),
      peerOverheadP95Ms: rounded(percentile(overheads(run.peer), 0.95), 2),
      /** Beside a peer whose clients, too, offer a block as soon as its first line is written. */
      p95RatioToFirstLines: rounded(ours.p95Ms / percentile(firstLines, 0.95), 3),
      modelCalls: run.after.modelCalls - run.before.modelCalls,
      /** Begun while a suggestion was shown, for the time after it; their prompt tokens count as evaluated. */
      aheadCalls: run.after.aheadCalls - run.before.aheadCalls,
      aheadDecodedTokens: run.after.aheadDecodedTokens - run.before.aheadDecodedTokens,
      /** Of our prompts, those that the peer was given letter by letter. */
      samePromptShare: rounded(withPrompt.filter((each) => each.ours === each.peer).length / withPrompt.length, 4),
      cancelTrials: run.cancels.length,
      cancelSettledMsWorst: rounded(Math.max(...run.cancels.map(({ settledMs }) => settledMs)), 1),
      typingThrough: run.through,
    },
  };
}
export type LatencyResult = ReturnType<typeof latencyResult>;

export function latencyTable(result: LatencyResult): string {
  const { ours, peer } = result.details;
  const both = (name: string, key: keyof Summary, unit = ''): Row => [
    name,
    `${ours[key]}${unit}`,
    `${peer[key]}${unit}`,
  ];
  const rows: Row[] = [
    [`${result.requests} keystrokes`, 'Argot', 'llama-server'],
    both('keystroke to answer, p50', 'p50Ms', ' ms'),
    both('keystroke to answer, p95', 'p95Ms', ' ms'),
    ['ratio of p50, of p95', String(result.p50Ratio), String(result.p95Ratio)],
    [
      'prompt tokens evaluated, share',
      String(result.promptTokensEvaluatedShare),
      String(result.peerPromptTokensEvaluatedShare),
    ],
    ['decode, tokens/s', String(result.decodeTokensPerSecond), String(result.peerDecodeTokensPerSecond)],
    both('keystrokes that asked the model, share', 'askedModelShare'),
    both('decoded tokens per model call', 'decodedTokensPerModelCall'),
    both('something offered, share', 'offeredShare'),
    both('first character right, share', 'firstCharacterRightShare'),
    both('characters that agree, mean', 'agreeingCharactersPerRequest'),
    ['all but the model, p95', `${result.overheadP95Ms} ms`, `${result.details.peerOverheadP95Ms} ms`],
    ['after a cancel: tokens decoded, prefilled', `${result.cancelDecodeTokens}, ${result.cancelPrefillTokens}`, ''],
    ['model calls while typing through', String(result.typingThroughModelCalls), ''],
    ['resident memory', `${result.rssMiB} MiB`, `${result.peerRssMiB} MiB`],
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const aligned = (row: Row): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ');
  return rows.map(aligned).join('\n');
}

type Row = readonly [string, string, string];
