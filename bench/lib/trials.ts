import { setTimeout as sleep } from 'node:timers/promises';
import type { StatisticsResult } from '#protocol/status.ts';
import type { Trace as RequestTrace } from '#protocol/trace.ts';
import type { Client } from '../../test/lib/client.ts';
import { offered } from './ourSide.ts';
import type { Trace } from './trace.ts';

/** What a cancelled request still cost. */
export interface CancelTrial {
  readonly phase: 'prefill' | 'decode';
  readonly prefillTokens: number;
  readonly decodeTokens: number;
  /** From the cancel until the server counted the request as ended; polled every 2 ms. */
  readonly settledMs: number;
}

const delaysMs = { prefill: [15, 30, 50, 70, 100, 25, 40, 60, 85, 120], decode: [60, 120, 180, 90, 150, 240, 320] };
const sentence = '\n// This is';
const enough = 5;
const mostTrials = 60;

/** Cancels requests in mid prefill and in mid decode, at several moments, each in a place that the server has not seen. */
export async function cancelTrials(
  client: Client,
  traces: readonly Trace[],
  signal: AbortSignal,
): Promise<CancelTrial[]> {
  const trials: CancelTrial[] = [];
  const places = bodies(traces);
  for (let i = 0; i < mostTrials; i++) {
    signal.throwIfAborted();
    const wanted = i % 2 === 0 ? 'prefill' : 'decode';
    if (trials.filter(({ phase }) => phase === wanted).length >= enough) continue;
    const place = places[i % places.length];
    const delayMs = delaysMs[wanted][(i >> 1) % delaysMs[wanted].length] ?? 50;
    if (place === undefined) break;
    const trial = await cancelOnce(client, place, i, wanted, delayMs);
    if (trial !== undefined) trials.push(trial);
  }
  for (const phase of ['prefill', 'decode'] as const) {
    const caught = trials.filter((trial) => trial.phase === phase).length;
    if (caught < enough)
      throw new Error(`Only ${caught} of ${mostTrials / 2} requests could be cancelled in mid ${phase}.`);
  }
  return trials;
}

async function cancelOnce(
  client: Client,
  place: Place,
  number: number,
  wanted: CancelTrial['phase'],
  delayMs: number,
): Promise<CancelTrial | undefined> {
  const uri = `file:///bench/cancel-${number}/${place.path}`;
  // A line of its own at each trial's window keeps its prompt apart from what was evaluated before.
  const text = place.before.replaceAll('\n', wanted === 'prefill' ? ` // ${number}\n` : '\n');
  const document = await client.open({ uri, languageId: place.languageId, text: text + place.after });
  if (wanted === 'decode') {
    // The prompt is evaluated but for its last words, and a sentence takes long to write.
    await client.complete(document, text.length);
    await document.edit(text.length, 0, sentence);
  }
  const before = await client.statistics();
  const aborting = new AbortController();
  const answer = client.complete(document, document.text().length - place.after.length, { signal: aborting.signal });
  await sleep(delayMs);
  aborting.abort();
  const cancelledAt = performance.now();
  await answer;
  const after = await counted(client, before);
  const settledMs = performance.now() - cancelledAt;
  const trace = await client.lastTrace(uri);
  await document.close();
  const phase = trace === null ? undefined : phaseOf(trace);
  if (after?.lastCancel === undefined || phase === undefined) return undefined;
  // A cancel that missed the phase says little of it: a few tokens were all that was left to prefill.
  return phase === wanted ? { phase, ...after.lastCancel, settledMs } : undefined;
}

/** Waits until the request's work is counted; a request that was answered before it reached the model never is. */
async function counted(client: Client, before: StatisticsResult): Promise<StatisticsResult | undefined> {
  const deadline = performance.now() + 3000;
  while (performance.now() < deadline) {
    const now = await client.statistics();
    if (now.modelCalls > before.modelCalls) return now;
    await sleep(2);
  }
  return undefined;
}

function phaseOf(trace: RequestTrace): CancelTrial['phase'] | undefined {
  if (trace.stop !== 'cancelled') return undefined;
  return trace.reusedTokens + trace.evaluatedTokens >= trace.promptTokens ? 'decode' : 'prefill';
}

interface Place {
  readonly path: string;
  readonly languageId: string;
  readonly before: string;
  readonly after: string;
}

/** Beginnings of functions in the second half of the authors' files, where a block is offered: the longest decodes. */
function bodies(traces: readonly Trace[]): Place[] {
  return traces.flatMap(({ events, files }) =>
    events.flatMap((event) => {
      if (event.type !== 'open' || event.languageId === 'python') return [];
      const text = files.get(event.path) ?? '';
      const heads = [...text.matchAll(/^.*\) (?:=> )?\{\n/gm)].filter(({ index }) => index > text.length / 3);
      return heads.map(({ 0: head, index }) => {
        const start = index + head.length;
        return {
          path: event.path,
          languageId: event.languageId,
          before: text.slice(0, start - 1),
          after: text.slice(start - 1),
        };
      });
    }),
  );
}

export interface TypingThrough {
  readonly suggestions: number;
  readonly keystrokes: number;
  /** Model calls while the person typed what was shown, or took some of it back. */
  readonly modelCalls: number;
  /** Keystrokes after which something else than the rest of the suggestion was shown. */
  readonly changed: number;
}

const suggestionsToType = 8;

/** Types shown suggestions letter by letter, takes two letters back, and counts what the model is asked meanwhile. */
export async function typeThrough(
  client: Client,
  traces: readonly Trace[],
  signal: AbortSignal,
): Promise<TypingThrough> {
  let [suggestions, keystrokes, modelCalls, changed] = [0, 0, 0, 0];
  for (const { path, languageId, before, after } of halfLines(traces)) {
    if (suggestions >= suggestionsToType) break;
    signal.throwIfAborted();
    const uri = `file:///bench/through-${suggestions}-${before.length}/${path}`;
    const document = await client.open({ uri, languageId, text: before + after });
    let cursor = before.length;
    const show = async (): Promise<string> => {
      const answer = await client.complete(document, cursor);
      const [item] = answer.kind === 'items' ? answer.items : [];
      return item === undefined ? '' : offered(item, document, cursor);
    };
    const shown = await show();
    if (shown.length >= 6 && /^[\w .]+/.test(shown)) {
      const callsBefore = (await client.statistics()).modelCalls;
      const expectShown = async (expected: string): Promise<void> => {
        keystrokes++;
        if ((await show()) !== expected) changed++;
      };
      const typed = Math.min(12, shown.length - 1);
      for (let i = 0; i < typed; i++) {
        await document.edit(cursor, 0, shown.charAt(i));
        cursor++;
        await expectShown(shown.slice(i + 1));
      }
      for (let i = typed - 1; i >= typed - 2; i--) {
        cursor--;
        await document.edit(cursor, 1, '');
        await expectShown(shown.slice(i));
      }
      modelCalls += (await client.statistics()).modelCalls - callsBefore;
      suggestions++;
    }
    await document.close();
  }
  if (suggestions < suggestionsToType)
    throw new Error(`Only ${suggestions} suggestions were long enough to be typed through.`);
  return { suggestions, keystrokes, modelCalls, changed };
}

/** Places in the middle of a line whose rest is missing. */
function halfLines(traces: readonly Trace[]): Place[] {
  return traces.flatMap(({ events, files }) =>
    events.flatMap((event) => {
      if (event.type !== 'open') return [];
      const text = files.get(event.path) ?? '';
      const lines = [...text.matchAll(/^[ \t]+(?:return|const|if|self|this|throw|raise)\b.{12,}$/gm)];
      return lines
        .filter((_, i) => i % 5 === 0)
        .slice(0, 12)
        .map(({ 0: line, index }) => {
          const cut = index + (/^\s+\w+[ .(]*/.exec(line)?.[0].length ?? 0);
          const rest = text.slice(index + line.length);
          return { path: event.path, languageId: event.languageId, before: text.slice(0, cut), after: rest };
        });
    }),
  );
}
