import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** Milliseconds since the event before. */
const gapMs = z.number().int().min(0);

/** One thing that the person does. Offsets are UTF-16 units in the file as it is then; `bench/traces/README.md` explains. */
export const eventSchema = z.discriminatedUnion('type', [
  /** A file is opened; `cuts` are the parts of the author's file that are not written yet, as [from, to) in it. */
  z.object({
    type: z.literal('open'),
    gapMs,
    path: z.string(),
    languageId: z.string(),
    cuts: z.array(z.tuple([z.number().int(), z.number().int()])),
  }),
  /** The cursor goes to another place, in this file or another that is open. */
  z.object({ type: z.literal('jump'), gapMs, path: z.string(), offset: z.number().int() }),
  /** The cursor goes over text that the editor had closed by itself, by an arrow key. */
  z.object({ type: z.literal('move'), gapMs, offset: z.number().int() }),
  /**
   * A key that writes: `trim` units before the cursor and `over` units after it give way to `text` (then the cursor)
   * and `after`, which the editor adds by itself (a closing bracket).
   */
  z.object({
    type: z.literal('insert'),
    gapMs,
    text: z.string(),
    trim: z.number().int().optional(),
    over: z.number().int().optional(),
    after: z.string().optional(),
  }),
  /** Backspace, once. */
  z.object({ type: z.literal('delete'), gapMs, count: z.number().int().min(1) }),
]);
export type TraceEvent = z.infer<typeof eventSchema>;
export type Keystroke = Extract<TraceEvent, { type: 'insert' | 'delete' }>;
export type OpenEvent = Extract<TraceEvent, { type: 'open' }>;

export const sourceSchema = z.object({
  package: z.string(),
  version: z.string(),
  registry: z.enum(['npm', 'pypi']),
  licence: z.string(),
  authors: z.string(),
});
export type Source = z.infer<typeof sourceSchema>;

/** A sitting: one person in one project, from the first file opened to the last key. */
export interface Trace {
  readonly name: string;
  readonly source: Source;
  readonly events: readonly TraceEvent[];
  /** The authors' files, by path. */
  readonly files: ReadonlyMap<string, string>;
}

export function isKeystroke(event: TraceEvent): event is Keystroke {
  return event.type === 'insert' || event.type === 'delete';
}

/** The file as it stands when the person opens it. */
export function startText(original: string, cuts: OpenEvent['cuts']): string {
  let text = '';
  let from = 0;
  for (const [start, end] of cuts) {
    text += original.slice(from, start);
    from = end;
  }
  return text + original.slice(from);
}

/** A keystroke as one replacement in the text. */
export interface KeyEdit {
  readonly offset: number;
  readonly deleted: number;
  readonly inserted: string;
  /** Where the cursor stands after it. */
  readonly cursor: number;
}

export function editOf(key: Keystroke, cursor: number): KeyEdit {
  if (key.type === 'delete') {
    return { offset: cursor - key.count, deleted: key.count, inserted: '', cursor: cursor - key.count };
  }
  const offset = cursor - (key.trim ?? 0);
  return {
    offset,
    deleted: (key.trim ?? 0) + (key.over ?? 0),
    inserted: key.text + (key.after ?? ''),
    cursor: offset + key.text.length,
  };
}

export function applyEdit(text: string, edit: KeyEdit): string {
  return text.slice(0, edit.offset) + edit.inserted + text.slice(edit.offset + edit.deleted);
}

/** The files as the person sees them while a trace is played. */
export interface Stage {
  readonly texts: ReadonlyMap<string, string>;
  path(): string;
  cursor(): number;
  /** The present file's text. */
  text(): string;
  /** Returns the edit that a keystroke makes; undefined for other events. */
  apply(event: TraceEvent): KeyEdit | undefined;
}

export function createStage(files: ReadonlyMap<string, string>): Stage {
  const texts = new Map<string, string>();
  let [path, cursor] = ['', 0];
  return {
    texts,
    path: () => path,
    cursor: () => cursor,
    text: () => texts.get(path) ?? '',
    apply(event) {
      if (event.type === 'open') {
        texts.set(event.path, startText(files.get(event.path) ?? '', event.cuts));
      } else if (event.type === 'jump') {
        [path, cursor] = [event.path, event.offset];
      } else if (event.type === 'move') {
        cursor = event.offset;
      } else {
        const edit = editOf(event, cursor);
        texts.set(path, applyEdit(texts.get(path) ?? '', edit));
        cursor = edit.cursor;
        return edit;
      }
      return undefined;
    },
  };
}

/** All sittings, in the order of their names. */
export async function readTraces(folder = join(import.meta.dirname, '../traces')): Promise<Trace[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
  return Promise.all(names.map((name) => readTrace(folder, name)));
}

async function readTrace(folder: string, name: string): Promise<Trace> {
  const lines = (await readFile(join(folder, name, 'trace.jsonl'), 'utf8')).split('\n').filter((line) => line !== '');
  const events = lines.map((line) => eventSchema.parse(JSON.parse(line)));
  const files = new Map<string, string>();
  for (const event of events) {
    if (event.type === 'open') files.set(event.path, await readOriginal(folder, name, event.path));
  }
  return { name, source: await readSource(folder, name), events, files };
}

/** Authors' files end in `.txt` here, so that no tool of this repository takes them for its own code. */
export function readOriginal(folder: string, name: string, path: string): Promise<string> {
  return readFile(join(folder, name, 'files', `${path}.txt`), 'utf8');
}

async function readSource(folder: string, name: string): Promise<Source> {
  return sourceSchema.parse(JSON.parse(await readFile(join(folder, name, 'SOURCE.json'), 'utf8')));
}
