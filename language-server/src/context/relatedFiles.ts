/**
 * Paths of files that belong with a file by its imports and its name, relative to the same root: what it imports by a
 * relative path, its test or the source that it tests, its header or body. Most of them do not exist; who knows the files
 * picks those that do.
 */
export function relatedPaths(path: string, text: string): ReadonlySet<string> {
  const related = new Set<string>();
  const folder = folderOf(path);
  for (const [, specifier = ''] of text.matchAll(relativeImport)) {
    for (const each of asFiles(join(folder, specifier))) related.add(each);
  }
  for (const [, dots = '', name = ''] of text.matchAll(pythonImport)) {
    const from = dots.slice(1).replace(/\./g, '../');
    const module = join(folder, from + name.replaceAll('.', '/'));
    for (const each of [`${module}.py`, `${module}/__init__.py`]) related.add(each);
  }
  for (const [, header = ''] of text.matchAll(include)) related.add(join(folder, header));
  for (const each of siblings(path)) related.add(each);
  related.delete(path);
  return related;
}

const relativeImport = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)['"](\.{1,2}\/[^'"\n]+)['"]/g;
const pythonImport = /^\s*from\s+(\.+)([\w.]*)\s+import\b/gm;
const include = /^\s*#\s*include\s+"([^"\n]+)"/gm;
const scriptExtensions = ['js', 'ts', 'tsx', 'jsx', 'mjs', 'cjs', 'mts', 'cts'];
const sourceFolders = ['src', 'lib', 'app', 'source'];
const testFolders = ['test', 'tests', '__tests__', 'spec'];
const bodies = ['c', 'cc', 'cpp', 'cxx', 'm', 'mm'];
const headers = ['h', 'hh', 'hpp'];

function asFiles(path: string): string[] {
  // With TypeScript's modules, an import of `x.js` means `x.ts`.
  const bare = path.replace(/\.[cm]?[jt]sx?$/, '');
  return [path, ...scriptExtensions.flatMap((extension) => [`${bare}.${extension}`, `${bare}/index.${extension}`])];
}

function siblings(path: string): string[] {
  const folder = folderOf(path);
  const [, name = '', extension = ''] = /([^/]*?)\.(\w+)$/.exec(path) ?? [];
  const beside = (file: string): string => join(folder, file);
  if (headers.includes(extension)) return bodies.map((each) => beside(`${name}.${each}`));
  if (bodies.includes(extension)) return headers.map((each) => beside(`${name}.${each}`));
  const tested = name.replace(/^test_|[._-](?:test|spec)$|_test$/, '');
  const own = folder.split('/').at(-1) ?? '';
  const above = folderOf(folder);
  if (tested !== name || testFolders.includes(own)) {
    const places = [
      folder,
      ...(testFolders.includes(own) ? ['', ...sourceFolders].map((each) => join(above, each)) : []),
    ];
    return places.map((place) => join(place, `${tested}.${extension}`));
  }
  const marked = [
    `${name}.test.${extension}`,
    `${name}.spec.${extension}`,
    `test_${name}.py`,
    `${name}_test.${extension}`,
  ];
  const tests = testFolders.flatMap((each) => [
    join(above, `${each}/${name}.${extension}`),
    join(folder, `${each}/${name}.${extension}`),
    join(above, `${each}/test_${name}.py`),
  ]);
  return [...marked.map(beside), ...tests];
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** With `.` and `..` resolved; what leads out of the root becomes a path that no file has. */
function join(folder: string, path: string): string {
  const parts: string[] = [];
  for (const part of `${folder}/${path}`.split('/')) {
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}
