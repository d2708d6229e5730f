/** Endings of files whose code may stand in each other. A file of TypeScript may show JavaScript, and not the reverse. */
const javascript = ['js', 'jsx', 'mjs', 'cjs', 'vue', 'svelte', 'html'];
const families: readonly (readonly string[])[] = [
  ['c', 'h', 'cc', 'cpp', 'cxx', 'hh', 'hpp', 'hxx', 'm', 'mm'],
  ['py', 'pyi'],
  ['sh', 'bash', 'zsh'],
];

/** Whether lines of the file at `path` are code that the document could go on with: a small model copies what it is shown. */
export function sharesLanguage(document: string, path: string): boolean {
  const [own, other] = [endingOf(document), endingOf(path)];
  if (own === other) return true;
  if (/^[mc]?tsx?$/.test(own)) return javascript.includes(other) || /^[mc]?tsx?$/.test(other);
  if (javascript.includes(own)) return javascript.includes(other);
  return families.some((family) => family.includes(own) && family.includes(other));
}

function endingOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.includes('.') ? name.slice(name.lastIndexOf('.') + 1).toLowerCase() : name;
}
