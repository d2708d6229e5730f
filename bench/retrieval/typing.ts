import { checkSettings } from '#protocol/settings.ts';
import type { Trace } from '#protocol/trace.ts';
import { shippedAskModel } from '../../language-server/src/context/askModel.ts';
import type { Candidate, Shown } from '../../language-server/src/context/candidates.ts';
import { createRecentEdits } from '../../language-server/src/context/recentEdits.ts';
import { sharesLanguage } from '../../language-server/src/context/sharesLanguage.ts';
import type { Engine, GenerateRequest } from '../../language-server/src/engine/engine.ts';
import type { Chunker } from '../../language-server/src/indexing/grammars.ts';
import type { IndexClient } from '../../language-server/src/indexing/indexClient.ts';
import { createCompletionService } from '../../language-server/src/server/completionService.ts';
import { applyChanges, openDocument } from '../../language-server/src/server/documents.ts';
import { createRepositoryContext } from '../../language-server/src/server/repositoryContext.ts';
import { sleep } from '../../language-server/src/server/sleep.ts';
import { createTraceLog, newTotals } from '../../language-server/src/server/traceLog.ts';
import { hash } from '../corpora/duplicates.ts';
import { createRandom } from '../lib/random.ts';
import { intendedAfter } from '../lib/replay.ts';
import { createStage, type KeyEdit, type Trace as Sitting } from '../lib/trace.ts';
import { typeParts } from '../lib/typist.ts';
import type { RetrievalCase } from './cases.ts';
import { createPackageIndex, type PackageIndex } from './packageIndex.ts';
import { createVirtualEngine, type Work } from './virtualEngine.ts';
import { inVirtualTime, type VirtualTime } from './virtualTime.ts';

/** A key after which the model was asked, and what is known of the place then. */
export interface TypedRequest {
  readonly shown: Shown;
  /** The rest of the line as the person goes on to write it; undefined in a slip, and where nothing more is written. */
  readonly target: string | undefined;
  /** As the product had it. */
  readonly prompt: Pick<GenerateRequest, 'tokens' | 'required'>;
  /** Of the repository, in that prompt. */
  readonly chunks: number;
  /** By chance, the same for the same key. */
  readonly lot: number;
  /** What the index finds for the text as it is at this key. */
  readonly found: readonly Candidate[];
}

/** A dozen lines typed into one file. */
export interface TypedFile {
  readonly made: RetrievalCase;
  readonly keys: number;
  /** Keys, or rests of the cursor, upon which the index was asked. */
  readonly queries: number;
  readonly requests: readonly TypedRequest[];
  /** From the key to the answer, of requests that were not withdrawn, in virtual milliseconds. */
  readonly answerMs: readonly number[];
  readonly work: Work;
}

const typedLines = 12;
const candidateCount = 12;
const cursorRestMs = 100;
const searchMs = 5;
/** Of the offers in `bench -- latency`: those that begin with the right character, and how many characters of these are right. */
const rightStarts = 0.78;
const agreedUnits = 6.3;
const root = '/package';
const languageId = 'javascript';

/**
 * Types a dozen lines from the case's line on, key by key with the pauses of the typist's model, through the product's
 * completion service with its prompts, its questions to the index and its use of pauses, in virtual time. The engine takes the
 * time that a real one would; its offers agree with the author as often and as far as the real ones of `bench -- latency`, and
 * are typed through. Without `withIndex` the same is typed as if the repository had none.
 */
export function typeFile(
  vocabulary: Engine,
  chunker: Chunker,
  made: RetrievalCase,
  withIndex: boolean,
): Promise<TypedFile> {
  const sitting = sittingOf(made);
  return inVirtualTime(async (time) => {
    const files = new Map(made.others.map(({ path, text }) => [path, text]));
    return type(vocabulary, await createPackageIndex(chunker, files), made, sitting, withIndex, time);
  });
}

function sittingOf(made: RetrievalCase): Sitting {
  const { path } = made;
  const whole = made.before + made.target + made.after;
  const first = made.before.split('\n').length;
  const last = Math.min(first + typedLines - 1, whole.trimEnd().split('\n').length);
  const events = typeParts({
    seed: first,
    files: [{ path, languageId, text: whole }],
    parts: [{ path, lines: [first, last] }],
  });
  const source = { package: made.package, version: '', registry: 'npm', licence: '', authors: made.author } as const;
  return { name: made.id, source, events, files: new Map([[path, whole]]) };
}

async function type(
  vocabulary: Engine,
  index: PackageIndex,
  made: RetrievalCase,
  sitting: Sitting,
  withIndex: boolean,
  time: VirtualTime,
): Promise<TypedFile> {
  const { path } = made;
  const folders = [{ uri: `file://${root}`, name: made.package }];
  const uri = `file://${root}/${path}`;
  const intended = intendedAfter(sitting);
  const stage = createStage(sitting.files);
  const asked = new Map<number, Omit<TypedRequest, 'chunks' | 'shown' | 'lot'> & { readonly before: string }>();
  const traces = new Map<string, Trace>();
  const work: Work = { promptTokens: 0, reusedTokens: 0, evaluatedTokens: 0, preparedTokens: 0 };
  const answerMs: number[] = [];
  let queries = 0;
  let key = -1;
  let waiting = false;

  const engine = createVirtualEngine(vocabulary, work, (prompt) => {
    // What is written ahead of the developer, after a suggestion that may never be taken, is no request.
    if (!waiting) return '';
    const [before, after] = [stage.text().slice(0, stage.cursor()), stage.text().slice(stage.cursor())];
    const found = index.find({ before: before.slice(-4000), after: after.slice(0, 4000) }, candidateCount);
    const target = intended.get(key)?.split('\n', 1)[0];
    asked.set(key, { before, target, prompt, found: found.filter((chunk) => sharesLanguage(path, chunk.path)) });
    return offer(createRandom(hash(`${made.id} ${key}`)), target ?? '');
  });
  const client: IndexClient = {
    ...silentIndex,
    overlay: (_, own, text) => void index.put(own, text ?? ''),
    async query({ before, after, count }, signal) {
      queries++;
      await sleep(searchMs, signal);
      return index.find({ before, after }, count).map((chunk) => ({ ...chunk, root }));
    },
  };
  const definitions = { of: () => [], forget: () => undefined };
  using repository = createRepositoryContext({ index: client, excluded: () => false, definitions });
  repository.configure({ folders, exclude: [], enabled: withIndex });
  const edits = createRecentEdits(time.now);
  const document = openDocument({ uri, languageId, version: 1, text: '' }, folders);
  const completions = createCompletionService({
    ...{ engine: () => ({ kind: 'ready', engine }), settings: () => checkSettings({}).settings },
    ...{ document: () => document, tabs: () => [], edits, excluded: () => false, repository },
    ask: { model: () => shippedAskModel, suggested: () => undefined, taken: () => undefined },
    traces: { ...createTraceLog(newTotals()), add: (trace) => void traces.set(trace.id, trace) },
    ...{ now: time.now, newId: () => String(key), working: () => undefined, grown: () => undefined },
  });

  const edit = ({ offset, deleted, inserted }: KeyEdit): void => {
    const range = { start: document.text.positionAt(offset), end: document.text.positionAt(offset + deleted) };
    const version = document.text.version + 1;
    for (const { line, lineDelta } of applyChanges(document, [{ range, text: inserted }], version, time.now())) {
      edits.changed(uri, line, lineDelta);
      completions.edited(uri, line, lineDelta);
    }
    repository.touched(document);
  };
  const restAt = async (ms: number): Promise<void> => {
    await time.pass(Math.min(ms, cursorRestMs));
    if (ms < cursorRestMs) return;
    void completions.rested(uri, document.text.positionAt(stage.cursor()));
    await time.pass(ms - cursorRestMs);
  };

  let rests = false;
  let keys = 0;
  let withdraw = new AbortController();
  for (const [at, event] of sitting.events.entries()) {
    // The cursor rests where a jump or an arrow key has brought it; a key that writes asks by itself.
    if (rests) await restAt(event.gapMs);
    else await time.pass(event.gapMs);
    const change = stage.apply(event);
    rests = change === undefined;
    if (event.type === 'open') edit({ offset: 0, deleted: 0, inserted: stage.texts.get(path) ?? '', cursor: 0 });
    if (change === undefined) continue;
    keys++;
    edit(change);
    withdraw.abort();
    withdraw = new AbortController();
    key = at;
    waiting = true;
    const { signal } = withdraw;
    const pressedAt = time.now();
    const position = document.text.positionAt(stage.cursor());
    const context = { triggerKind: 2, requestUuid: '' } as const;
    void completions.complete({ textDocument: { uri }, position, context }, signal).then(() => {
      if (signal.aborted) return;
      waiting = false;
      answerMs.push(time.now() - pressedAt);
    });
  }
  await time.pass(5_000);
  const requests = [...asked].flatMap(([at, { before, ...request }]): TypedRequest[] => {
    const trace = traces.get(String(at));
    if (trace?.prompt === undefined) return [];
    const shown = shownIn(path, before, trace.prompt + (trace.healed ?? ''));
    const lot = hash(`${at} ${made.id}`);
    return [{ ...request, shown, lot, chunks: trace.context?.chunks.length ?? 0 }];
  });
  return { made, keys, queries, requests, answerMs, work };
}

/** Some of the rest of the line, and then something else. */
function offer(random: () => number, rest: string): string {
  if (random() >= rightStarts) return ' wrong';
  const agreed = 1 + Math.floor(Math.log(1 - random()) / Math.log(1 - 1 / agreedUnits));
  return agreed >= rest.length ? rest : `${rest.slice(0, agreed)} wrong`;
}

/** The part of the text before the cursor that a prompt ends with, by whole lines. */
function shownIn(path: string, before: string, prompt: string): Shown {
  const lines = before.split('\n');
  let startLine = lines.length - 1;
  while (startLine > 0 && prompt.endsWith(lines.slice(startLine - 1).join('\n'))) startLine--;
  return { path, before: lines.slice(startLine).join('\n'), startLine, cursorLine: lines.length - 1 };
}

const silentIndex: Omit<IndexClient, 'overlay' | 'query'> = {
  open: () => undefined,
  close: () => undefined,
  changed: () => undefined,
  rescan: () => undefined,
  progress: () => undefined,
  onProgress: () => () => undefined,
  pid: undefined,
  [Symbol.dispose]: () => undefined,
};
