import { essenceOf, isOwnLine } from './ownLine.ts';

/** The lines that examples hold already, as far as this process stored them: a window need not reach back to them once more. */
export interface KeptLines {
  /** Whether a line of this file is the developer's rather than everybody's, and no example holds it. */
  isFresh(file: string, line: string): boolean;
  keep(file: string, text: string): void;
  /** After examples went: what they alone held may be learnt again. */
  forget(): void;
}

/** The file whose last example is oldest is forgotten first. */
const mostFiles = 200;

export function createKeptLines(): KeptLines {
  const files = new Map<string, Set<string>>();
  return {
    isFresh: (file, line) => isOwnLine(line) && files.get(file)?.has(essenceOf(line)) !== true,
    keep(file, text) {
      const lines = files.get(file) ?? new Set();
      for (const line of text.split('\n')) if (isOwnLine(line)) lines.add(essenceOf(line));
      files.delete(file);
      files.set(file, lines);
      const [oldest] = files.keys();
      if (oldest !== undefined && files.size > mostFiles) files.delete(oldest);
    },
    forget: () => files.clear(),
  };
}
