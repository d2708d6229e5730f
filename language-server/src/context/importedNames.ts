/** A name that a document imports, and where it stands in the document. */
export interface ImportedName {
  readonly name: string;
  readonly offset: number;
}

const imports = [
  /\bimport\s+(?:type\s+)?([^'"();]+?)\s+from\s*['"]/g,
  /\b(?:const|let|var)\s+([^=;]+?)\s*=\s*(?:await\s+)?(?:require|import)\s*\(/g,
  /^\s*from\s+[\w.]+\s+import\s+([^#\n]+)/gm,
  /^\s*(?:use|using)\s+([\w:.]+(?:::\{[^}]*\})?)\s*;/gm,
];
const reserved = new Set(['as', 'type', 'default', 'from', 'import', 'self', 'super', 'crate']);
const nearLines = 12;
const most = 4;

/** Imported names that the lines before the cursor use, the nearest first, each at its import: there the editor knows it best. */
export function importedNamesUsed(before: string): ImportedName[] {
  const places = new Map<string, number>();
  for (const pattern of imports) {
    for (const found of before.matchAll(pattern)) {
      const clause = found[1] ?? '';
      const start = found.index + found[0].indexOf(clause);
      for (const name of clause.matchAll(/[\p{L}_$][\p{L}\p{N}_$]*/gu)) {
        if (!reserved.has(name[0])) places.set(name[0], start + name.index);
      }
    }
  }
  const near = before.split('\n').slice(-nearLines).join('\n');
  const from = before.length - near.length;
  const used = [...near.matchAll(/[\p{L}_$][\p{L}\p{N}_$]*/gu)].reverse();
  const names: ImportedName[] = [];
  for (const { 0: name, index } of used) {
    const offset = places.get(name);
    if (offset === undefined || offset === from + index || names.some((each) => each.name === name)) continue;
    names.push({ name, offset });
    if (names.length === most) break;
  }
  return names;
}
