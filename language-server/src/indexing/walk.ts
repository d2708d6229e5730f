import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { rejectPath } from '../context/indexable.ts';

interface Folder {
  /** Relative to the root, with a slash at its end; empty for the root. */
  readonly path: string;
  /** The .gitignore files that apply, each for paths relative to its own folder. */
  readonly rules: readonly { readonly base: string; readonly rules: Ignore }[];
}

/**
 * Files below a folder that may be indexed, by their names alone: sources that .gitignore and `excluded` let through, as
 * paths relative to the root with forward slashes. Links are not followed; what can't be read is passed over.
 */
export async function* walk(
  root: string,
  excluded: (path: string) => boolean,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const open: Folder[] = [{ path: '', rules: await rulesIn(root, '', ['.git/info/exclude', '.gitignore']) }];
  for (let folder = open.pop(); folder !== undefined && !signal.aborted; folder = open.pop()) {
    const entries = await readdir(join(root, folder.path), { withFileTypes: true }).catch(() => []);
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const path = folder.path + entry.name;
      if (entry.isDirectory()) {
        const inside = `${path}/`;
        if (rejectPath(`${inside}a.js`) !== undefined || ignored(folder.rules, inside)) continue;
        const own = await rulesIn(root, inside, ['.gitignore']);
        open.push({ path: inside, rules: own.length === 0 ? folder.rules : [...folder.rules, ...own] });
      } else if (entry.isFile() && rejectPath(path) === undefined && !ignored(folder.rules, path) && !excluded(path)) {
        yield path;
      }
    }
  }
}

/** Whether one file may be indexed, as `walk` would say. */
export async function admits(root: string, path: string, excluded: (path: string) => boolean): Promise<boolean> {
  if (rejectPath(path) !== undefined || excluded(path)) return false;
  const parts = path.split('/');
  let rules = await rulesIn(root, '', ['.git/info/exclude', '.gitignore']);
  for (let i = 1; i < parts.length; i++) {
    const inside = `${parts.slice(0, i).join('/')}/`;
    if (ignored(rules, inside)) return false;
    rules = [...rules, ...(await rulesIn(root, inside, ['.gitignore']))];
  }
  return !ignored(rules, path);
}

async function rulesIn(root: string, base: string, names: readonly string[]): Promise<Folder['rules']> {
  const texts = await Promise.all(names.map((name) => readFile(join(root, base, name), 'utf8').catch(() => '')));
  const text = texts.filter((each) => each !== '').join('\n');
  return text === '' ? [] : [{ base, rules: ignore().add(text) }];
}

/** The innermost file that says something of a path decides. */
function ignored(rules: Folder['rules'], path: string): boolean {
  for (const { base, rules: own } of rules.toReversed()) {
    const result = own.test(path.slice(base.length));
    if (result.ignored) return true;
    if (result.unignored) return false;
  }
  return false;
}
