import type { SourceFile } from './corpus.ts';

const shingleTokens = 5;
const nearJaccard = 0.7;
/** A shingle that this many files have is an idiom of the language; pairs are not looked for by it. */
const commonFiles = 64;

/**
 * Without copies: a text that two authors have (a vendored file, a template) goes from both; of two near-equal ones of the
 * same author the older stays. Near means a Jaccard index above 0.7 of the sets of five consecutive tokens.
 */
export function withoutCopies(files: readonly SourceFile[]): SourceFile[] {
  const ordered = files.toSorted((a, b) =>
    a.published + a.package + a.path < b.published + b.package + b.path ? -1 : 1,
  );
  const dropped = new Set<SourceFile>();
  for (const [older, younger] of nearPairs(ordered)) {
    if (older.author !== younger.author) dropped.add(older).add(younger);
  }
  for (const [older, younger] of nearPairs(ordered)) {
    if (older.author === younger.author && !dropped.has(older)) dropped.add(younger);
  }
  return files.filter((file) => !dropped.has(file));
}

/** The older first. */
function nearPairs(files: readonly SourceFile[]): [SourceFile, SourceFile][] {
  const sets = files.map(({ text }) => shingles(text));
  const holders = new Map<number, number[]>();
  for (const [index, set] of sets.entries()) {
    for (const shingle of set) {
      const list = holders.get(shingle);
      if (list === undefined) holders.set(shingle, [index]);
      else if (list.length <= commonFiles) list.push(index);
    }
  }
  const candidates = new Set<number>();
  for (const list of holders.values()) {
    if (list.length > commonFiles) continue;
    for (const [at, a] of list.entries()) for (const b of list.slice(at + 1)) candidates.add(a * files.length + b);
  }
  const pairs: [SourceFile, SourceFile][] = [];
  for (const candidate of [...candidates].sort((a, b) => a - b)) {
    const [a, b] = [Math.floor(candidate / files.length), candidate % files.length];
    const [older, younger] = [files[a], files[b]];
    if (older && younger && jaccard(sets[a], sets[b]) > nearJaccard) pairs.push([older, younger]);
  }
  return pairs;
}

function shingles(text: string): Set<number> {
  const tokens = text.match(/[\w$]+|[^\s\w$]/g) ?? [];
  const found = new Set<number>();
  for (let i = 0; i + shingleTokens <= tokens.length; i++)
    found.add(hash(tokens.slice(i, i + shingleTokens).join(' ')));
  // A file of fewer tokens is its own only shingle.
  if (found.size === 0) found.add(hash(tokens.join(' ')));
  return found;
}

function jaccard(a: ReadonlySet<number> | undefined, b: ReadonlySet<number> | undefined): number {
  if (a === undefined || b === undefined) return 0;
  // Sets of unlike sizes can't be alike, and most candidates end here.
  if (Math.min(a.size, b.size) < nearJaccard * Math.max(a.size, b.size)) return 0;
  let both = 0;
  for (const each of a) if (b.has(each)) both++;
  return both / (a.size + b.size - both);
}

/** FNV-1a with the finaliser of MurmurHash3, 32 bits. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
