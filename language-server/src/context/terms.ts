/**
 * The terms of a text, as 32-bit hashes of their lower case: each identifier, and the words that it is made of
 * (`readHeader2` gives readheader2, read, header). Hashes take the place of strings, since an index holds hundreds of
 * thousands of terms; two terms that collide only add noise to a score.
 */
export function forEachTerm(text: string, visit: (term: number, at: number) => void): void {
  const length = text.length;
  for (let at = 0; at < length; ) {
    if (kindOf(text.charCodeAt(at)) === other) {
      at++;
      continue;
    }
    if (kindOf(text.charCodeAt(at)) === digit) {
      while (at < length && kindOf(text.charCodeAt(at)) !== other) at++;
      continue;
    }
    const start = at;
    let parts = 0;
    let whole = hashStart;
    let wholeLetters = 0;
    let part = hashStart;
    let partLetters = 0;
    let before: number = other;
    for (; at < length; at++) {
      const code = text.charCodeAt(at);
      const kind = kindOf(code);
      if (kind === other) break;
      const begins =
        kind === joiner ||
        (kind === digit) !== (before === digit) ||
        (kind === upper && (before === lower || (before === upper && kindOf(text.charCodeAt(at + 1)) === lower)));
      if (begins && partLetters > 0) {
        if (partLetters > 1) visit(finish(part), start);
        parts++;
        part = hashStart;
        partLetters = 0;
      }
      before = kind;
      if (kind === joiner) continue;
      const folded = kind === upper ? code | 32 : code;
      whole = Math.imul(whole ^ folded, hashFactor);
      wholeLetters++;
      if (kind === digit) continue;
      part = Math.imul(part ^ folded, hashFactor);
      partLetters++;
    }
    if (partLetters > 1) visit(finish(part), start);
    if (partLetters > 0) parts++;
    if (parts > 1 && wholeLetters > 2) visit(finish(whole), start);
  }
}

/** The term of one word or identifier as a whole, as `forEachTerm` gives it. */
export function termOf(identifier: string): number {
  let hash = hashStart;
  for (let i = 0; i < identifier.length; i++) {
    const code = identifier.charCodeAt(i);
    const kind = kindOf(code);
    if (kind === joiner || kind === other) continue;
    hash = Math.imul(hash ^ (kind === upper ? code | 32 : code), hashFactor);
  }
  return finish(hash);
}

/** The identifiers of a text, in their order, with repetitions. */
export function identifiersOf(text: string): string[] {
  return text.match(/[\p{L}_$][\p{L}\p{N}_$]+/gu) ?? [];
}

/** FNV-1a, 32 bits. */
const hashStart = 0x811c9dc5;
const hashFactor = 0x01000193;
const finish = (hash: number): number => (hash ^ (hash >>> 15)) >>> 0;

const other = 0;
const lower = 1;
const upper = 2;
const digit = 3;
const joiner = 4;

const kinds = new Uint8Array(128);
for (let code = 97; code <= 122; code++) kinds[code] = lower;
for (let code = 65; code <= 90; code++) kinds[code] = upper;
for (let code = 48; code <= 57; code++) kinds[code] = digit;
kinds[36] = joiner;
kinds[95] = joiner;

/** Letters beyond ASCII count as small ones: most scripts have no case, and terms need only agree with themselves. */
function kindOf(code: number): number {
  if (code < 128) return kinds[code] ?? other;
  return code > 0xbf && !(code >= 0x2000 && code <= 0x206f) && !(code >= 0x3000 && code <= 0x303f) ? lower : other;
}
