/** Lines of a cycle that is looked for. */
const longestCycle = 4;

/** Whether a line says something of its own: `}` and `end` stand in many places. */
export function isTelling(line: string): boolean {
  const words = line.replace(/\b(?:end|else|fi|done|do|then|return|break|continue|pass|begin|try)\b/g, '');
  return (words.match(/[\p{L}\p{N}]/gu)?.length ?? 0) >= 3;
}

/**
 * How many lines the cycle has with which these lines end; undefined where they end with none. A single line must come
 * three times, several lines twice. Indentation does not count, since small models nest the same line ever deeper.
 */
export function cycleAtEnd(lines: readonly string[]): number | undefined {
  for (let length = 1; length <= longestCycle; length++) {
    const turns = length === 1 ? 3 : 2;
    if (lines.length < length * turns) return undefined;
    const tail = lines.slice(-length * turns).map((line) => line.trim());
    if (tail.some(isTelling) && tail.every((line, index) => index < length || line === tail[index - length]))
      return length;
  }
  return undefined;
}
