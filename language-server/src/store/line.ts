import { crc32 } from 'node:zlib';
import { repairByte } from './repair.ts';

/*
 * The store's files are lines: eight hexadecimal digits (CRC-32 of what follows the blank), a blank, JSON in UTF-8, `\n`.
 * JSON has no raw line feed, so a reader finds its way again after any damage. A deleted line is `-`, blanks and `\n`:
 * it is overwritten where it stands, which works on a full disk too.
 */

const headLength = 9;
const lineFeed = 0x0a;
const blank = 0x20;
const dash = 0x2d;

export interface FoundLine {
  readonly offset: number;
  /** The line feed included. */
  readonly length: number;
  readonly json: string;
}

export interface ReadLines {
  readonly lines: readonly FoundLine[];
  /** Lines that are given above but stand damaged in the file. */
  readonly repaired: readonly { readonly offset: number; readonly bytes: Buffer }[];
  /** Stretches that no repair could save. */
  readonly damaged: readonly { readonly offset: number; readonly length: number }[];
  /** Where a line begins that has no end: its writing was cut short. Equals the size where there is none. */
  readonly end: number;
}

export function encodeLine(value: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(value));
  return Buffer.concat([Buffer.from(`${hex(crc32(json))} `), json, Buffer.of(lineFeed)]);
}

/** What overwrites a line of this length. */
export function deletedLine(length: number): Buffer {
  const line = Buffer.alloc(length, blank);
  line[0] = dash;
  line[length - 1] = lineFeed;
  return line;
}

/** The JSON of one line with its line feed; undefined where it is not whole. */
export function decodeLine(line: Buffer): string | undefined {
  if (line.length < headLength + 2 || line[line.length - 1] !== lineFeed || line[headLength - 1] !== blank) {
    return undefined;
  }
  const json = line.subarray(headLength, -1);
  return line.toString('latin1', 0, headLength - 1) === hex(crc32(json)) ? json.toString('utf8') : undefined;
}

export function readLines(bytes: Buffer): ReadLines {
  const lines: FoundLine[] = [];
  const repaired: { offset: number; bytes: Buffer }[] = [];
  const damaged: { offset: number; length: number }[] = [];
  let start = 0;
  for (let feed = bytes.indexOf(lineFeed); feed !== -1; feed = bytes.indexOf(lineFeed, start)) {
    const line = bytes.subarray(start, feed + 1);
    const json = decodeLine(line);
    if (json !== undefined) {
      lines.push({ offset: start, length: line.length, json });
      start = feed + 1;
      continue;
    }
    if (isDeleted(line)) {
      start = feed + 1;
      continue;
    }
    const saved = repairAt(bytes, start, feed);
    const length = saved?.bytes.length ?? line.length;
    if (saved === undefined) damaged.push({ offset: start, length });
    else {
      if (!saved.bytes.equals(bytes.subarray(start, start + length)))
        repaired.push({ offset: start, bytes: saved.bytes });
      lines.push(...saved.lines.map((each) => ({ ...each, offset: start + each.offset })));
    }
    start += length;
  }
  const last = withLineFeed(bytes.subarray(start));
  const json = decodeLine(last);
  if (json !== undefined || isDeleted(last)) {
    repaired.push({ offset: start, bytes: last });
    if (json !== undefined) lines.push({ offset: start, length: last.length, json });
    start = bytes.length;
  }
  return { lines, repaired, damaged, end: start };
}

/** The last line of a file may lack nothing but its line feed. */
function withLineFeed(line: Buffer): Buffer {
  const copy = Buffer.from(line);
  if (copy.length > 0) copy[copy.length - 1] = lineFeed;
  return copy;
}

/** Shorter lines are pieces of a damaged one. */
const shortestLine = 20;

/** Beside the dash one byte may be wrong; blanks alone are the end of such a line. */
function isDeleted(line: Buffer): boolean {
  return line.length > 1 && othersThanBlanks(line) <= (line.length < shortestLine ? 0 : 2);
}

function othersThanBlanks(line: Buffer): number {
  let others = 0;
  for (const byte of line.subarray(0, -1)) if (byte !== blank) others++;
  return others;
}

interface Saved {
  readonly bytes: Buffer;
  readonly lines: readonly FoundLine[];
}

/**
 * A line in which one byte is wrong: within it; a line feed that came to be in it, so that it seems to be two; or its own
 * line feed, so that two seem to be one.
 */
function repairAt(bytes: Buffer, start: number, feed: number): Saved | undefined {
  const line = bytes.subarray(start, feed + 1);
  const next = bytes.indexOf(lineFeed, feed + 1);
  const joined = next === -1 ? undefined : bytes.subarray(start, next + 1);
  const asOne = repairLine(line) ?? (joined && repairLine(joined));
  if (asOne !== undefined) return savedFrom([asOne]);
  // A deleted line with a line feed near its dash, or for it.
  if (line.length < shortestLine && joined !== undefined && othersThanBlanks(joined) <= 2) {
    return { bytes: deletedLine(joined.length), lines: [] };
  }
  for (const place of headsWithin(line)) {
    const first = Buffer.from(line.subarray(0, place));
    first[place - 1] = lineFeed;
    const second = Buffer.from(line.subarray(place));
    const saved = savedFrom([first, second]);
    if (saved !== undefined) return saved;
  }
  if (line.length === 1) return { bytes: line, lines: [] };
  // The deletion of a line was cut short: it is gone on with.
  return line.subarray(0, headLength).equals(deletedLine(line.length).subarray(0, headLength))
    ? { bytes: deletedLine(line.length), lines: [] }
    : undefined;
}

function savedFrom(pieces: readonly Buffer[]): Saved | undefined {
  const lines: FoundLine[] = [];
  let offset = 0;
  for (const piece of pieces) {
    const json = decodeLine(piece);
    if (json !== undefined) lines.push({ offset, length: piece.length, json });
    else if (!isDeleted(piece)) return undefined;
    offset += piece.length;
  }
  return { bytes: Buffer.concat(pieces), lines };
}

/** The line with the one byte put right that makes its sum and its form agree. */
function repairLine(line: Buffer): Buffer | undefined {
  if (line.length < headLength + 2) return undefined;
  const json = line.subarray(headLength, -1);
  const sum = crc32(json);
  const head = `${hex(sum)} `;
  const wrong = [...head].filter((character, i) => line[i] !== character.charCodeAt(0)).length;
  if (wrong === 1 && isJson(json)) return Buffer.concat([Buffer.from(head), line.subarray(headLength)]);
  const stored = line.toString('latin1', 0, headLength);
  if (!/^[0-9a-f]{8} $/.test(stored)) return undefined;
  const put = repairByte(json, (sum ^ Number.parseInt(stored, 16)) >>> 0);
  if (put === undefined) return undefined;
  const right = Buffer.from(json);
  right[put.offset] = put.value;
  if (!isJson(right)) return undefined;
  return Buffer.concat([line.subarray(0, headLength), right, Buffer.of(lineFeed)]);
}

function isJson(bytes: Buffer): boolean {
  if (bytes.includes(lineFeed)) return false;
  try {
    JSON.parse(bytes.toString('utf8'));
    return true;
  } catch {
    // The parser has no other way to say no.
    return false;
  }
}

/** Where a line could begin after the first byte: eight digits, a blank and a brace; or the dash of a deleted one. */
function headsWithin(line: Buffer): number[] {
  const heads = line.toString('latin1').matchAll(/[0-9a-f]{8} (?=\{)|-(?= {10})/g);
  return [...heads].flatMap(({ index }) => (index > 0 ? index : []));
}

function hex(sum: number): string {
  return sum.toString(16).padStart(8, '0');
}
