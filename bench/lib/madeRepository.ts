import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { rejectPath, rejectText } from '../../language-server/src/context/indexable.ts';

/** The sources of the packages that this project has installed, as one large repository. Returns how many bytes it has. */
export async function makeRepository(modules: string, root: string, count: number): Promise<number> {
  let written = 0;
  let bytes = 0;
  let copies = 0;
  for (; written < count; copies++) {
    const before = written;
    for await (const path of sourceFiles(modules)) {
      if (written >= count) break;
      const text = await readFile(join(modules, path), 'utf8');
      if (text.length < 100 || rejectText(text) !== undefined) continue;
      // Packages keep in such folders what was their source; here it would count as made.
      const plain = path
        .split('/')
        .map((part) => (rejectPath(`${part}/a.js`) === undefined ? part : `of-${part.replace(/^\./, '')}`));
      const target = join(root, `copy${copies}`, ...plain);
      await mkdir(dirname(target), { recursive: true });
      // A second copy has names of its own, so that terms are as many as in a repository of that size.
      await writeFile(target, copies === 0 ? text : text.replace(/\b([a-z]+[A-Z]\w+)\b/g, `$1Of${copies}`));
      written++;
      bytes += text.length;
    }
    if (written === before) throw new Error(`There are no sources in ${modules}: run npm ci first.`);
  }
  return bytes;
}

async function* sourceFiles(modules: string): AsyncGenerator<string> {
  const entries = await readdir(modules, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && /\.([cm]?js|[cm]?ts)$/.test(entry.name))
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(modules.length + 1)
        .replaceAll('\\', '/'),
    );
  yield* paths.sort().filter((path) => rejectPath(path.slice(path.lastIndexOf('/') + 1)) === undefined);
}
