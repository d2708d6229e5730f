import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One golden case as its file says it; README.md describes the format. */
export interface GoldenCase {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly prefix: string;
  readonly suffix: string;
  /** By title: `model writes`, `offered`, … */
  readonly sections: Readonly<Record<string, string>>;
}

const cursor = '‸';
/** Characters that a reader could not see, or that an editor would take away. */
const visible: Readonly<Record<string, string>> = {
  '␍': '\r',
  '␠': ' ',
  '␉': '\t',
  '␛': '\u001b',
  '␀': '\0',
  '⟲': '\u202e',
  '⟳': '\u2066',
};

export function readCases(folder: string, allowedHeaders: readonly string[]): readonly GoldenCase[] {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.txt'))
    .sort();
  if (files.length === 0) throw new Error(`${folder} holds no cases (*.txt).`);
  return files.map((file) => parseCase(file, readFileSync(join(folder, file), 'utf8'), allowedHeaders));
}

export function parseCase(name: string, raw: string, allowedHeaders: readonly string[]): GoldenCase {
  const text = raw.replaceAll('\r\n', '\n');
  const blank = text.indexOf('\n\n');
  if (blank < 0) throw new Error(`${name}: an empty line must stand between the headers and the document.`);
  const headers = parseHeaders(name, text.slice(0, blank), allowedHeaders);
  const [document = '', ...rest] = text.slice(blank + 2).split(/^--- (.+) ---$/m);
  const sections: Record<string, string> = {};
  for (let i = 0; i + 1 < rest.length; i += 2) {
    const title = rest[i] ?? '';
    if (sections[title] !== undefined) throw new Error(`${name}: “${title}” stands there twice.`);
    sections[title] = makeReal(inner(rest[i + 1] ?? ''));
  }
  const parts = makeReal(document.replace(/\n$/, '')).split(cursor);
  const [prefix, suffix] = parts;
  if (prefix === undefined || suffix === undefined || parts.length !== 2) {
    throw new Error(`${name}: the document must hold the cursor ${cursor} exactly once.`);
  }
  return { name: name.replace(/\.txt$/, ''), headers, prefix, suffix, sections };
}

export function section(of: GoldenCase, title: string): string {
  const text = of.sections[title];
  if (text === undefined) throw new Error(`${of.name}: the section “--- ${title} ---” is missing.`);
  return text;
}

function parseHeaders(name: string, text: string, allowed: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const [, key, value] = /^([\w-]+): *(.+)$/.exec(line) ?? [];
    if (key === undefined || value === undefined)
      throw new Error(`${name}: “${line}” is no header line (name: value).`);
    if (!allowed.includes(key))
      throw new Error(`${name}: there is no header “${key}”; there are ${allowed.join(', ')}.`);
    headers[key] = value;
  }
  for (const needed of ['rule', 'language', 'why']) {
    if (headers[needed] === undefined) throw new Error(`${name}: the header “${needed}:” is missing.`);
  }
  return headers;
}

/** Between the line of one title and the line of the next. */
function inner(text: string): string {
  return text.replace(/^\n/, '').replace(/\n$/, '');
}

function makeReal(text: string): string {
  return text.replace(/[␍␠␉␛␀⟲⟳]/g, (mark) => visible[mark] ?? mark);
}
