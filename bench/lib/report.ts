import { agreement, mean, percentile, rounded, sum } from './measure.ts';
import type { Played } from './replay.ts';

/** What one side's keystrokes amount to. */
export function summary(played: readonly Played[]) {
  const records = played.map(({ record }) => record);
  const asked = records.filter(({ fromModel }) => fromModel);
  const latencies = records.map(({ latencyMs }) => latencyMs);
  const withIntent = played.flatMap(({ intended, record }) => (intended === undefined ? [] : [{ intended, record }]));
  const of = (part: number, whole: number): number => rounded(part / whole, 4);
  return {
    p50Ms: rounded(percentile(latencies, 0.5), 2),
    p95Ms: rounded(percentile(latencies, 0.95), 2),
    meanMs: rounded(mean(latencies), 2),
    modelP50Ms: rounded(
      percentile(
        asked.map(({ latencyMs }) => latencyMs),
        0.5,
      ),
      2,
    ),
    askedModelShare: of(asked.length, records.length),
    offeredShare: of(records.filter(({ offer }) => offer !== '').length, records.length),
    promptTokens: sum(records.map(({ promptTokens }) => promptTokens)),
    evaluatedTokens: sum(records.map(({ evaluatedTokens }) => evaluatedTokens)),
    decodedTokensPerRequest: rounded(mean(records.map(({ decodedTokens }) => decodedTokens)), 2),
    decodedTokensPerModelCall: rounded(mean(asked.map(({ decodedTokens }) => decodedTokens)), 2),
    decodedTokensP50: percentile(
      asked.map(({ decodedTokens }) => decodedTokens),
      0.5,
    ),
    prefillMsPerRequest: rounded(mean(records.map(({ prefillMs }) => prefillMs)), 2),
    decodeMsPerRequest: rounded(mean(records.map(({ decodeMs }) => decodeMs)), 2),
    waitMsPerRequest: rounded(mean(records.map(({ waitMs }) => waitMs)), 2),
    /** Of the keystrokes after which more was typed at the place. */
    firstCharacterRightShare: of(
      withIntent.filter(({ intended, record }) => record.offer !== '' && record.offer[0] === intended[0]).length,
      withIntent.length,
    ),
    agreeingCharactersPerRequest: rounded(
      mean(withIntent.map(({ intended, record }) => agreement(record.offer, intended))),
      3,
    ),
    offeredCharactersPerRequest: rounded(mean(withIntent.map(({ record }) => record.offer.length)), 3),
  };
}
export type Summary = ReturnType<typeof summary>;

/** Tokens per second of all decode steps together. */
export function decodeSpeed(played: readonly Played[]): number {
  const steps = played.filter(({ record }) => record.fromModel && record.decodeSteps > 0);
  return (sum(steps.map(({ record }) => record.decodeSteps)) / sum(steps.map(({ record }) => record.decodeMs))) * 1000;
}

/** Milliseconds of each request that are neither the model's work nor a deliberate wait. */
export function overheads(played: readonly Played[]): number[] {
  return played.map(({ record }) => record.latencyMs - record.prefillMs - record.decodeMs - record.waitMs);
}

export function overheadsInServer(played: readonly Played[]): number[] {
  return played.flatMap(({ record }) =>
    record.serverMs === undefined ? [] : [record.serverMs - record.prefillMs - record.decodeMs - record.waitMs],
  );
}
