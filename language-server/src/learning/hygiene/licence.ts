const licenceWords = /copyright|licen[cs]e|spdx-|all rights reserved|permission is hereby granted|without warranty/i;
const commentLine = /^\s*(?:\/\/|\/\*|\*|#|--|;|<!--|"""|'''|%|rem\b)/i;

/** How many lines at a file's beginning are a licence header: comments of which one speaks of a licence. 0 for none. */
export function licenceLines(lines: readonly string[]): number {
  let end = 0;
  let inBlock = false;
  for (const line of lines.slice(0, 80)) {
    const opens = /^\s*(?:\/\*|<!--|"""|''')/.test(line);
    const closes =
      /\*\/\s*$|-->\s*$/.test(line) || (/(?:"""|''')\s*$/.test(line) && (inBlock || /("""|''').+\1/.test(line)));
    if (!inBlock && !commentLine.test(line) && line.trim() !== '' && !line.startsWith('#!')) break;
    if (opens) inBlock = true;
    if (closes) inBlock = false;
    end++;
  }
  while (end > 0 && lines[end - 1]?.trim() === '') end--;
  return licenceWords.test(lines.slice(0, end).join('\n')) ? end : 0;
}
