/** A place where the developer wrote something, by line. */
export interface Edit {
  readonly uri: string;
  readonly line: number;
  readonly at: number;
}

export interface RecentEdits {
  /** A change of a document: `line` is where it begins, `lineDelta` how many lines it added (negative: removed). */
  changed(uri: string, line: number, lineDelta: number): void;
  /** Newest first, one for each neighbourhood of lines. */
  list(): readonly Edit[];
  forget(uri: string): void;
}

/** Edits closer than this to each other are one place. */
const sameplaceLines = 8;

/** Remembers where the developer worked lately, across documents; line numbers follow later edits above them. */
export function createRecentEdits(now: () => number, capacity = 24): RecentEdits {
  let edits: Edit[] = [];
  return {
    changed(uri, line, lineDelta) {
      const moved = edits.map((edit) =>
        edit.uri === uri && edit.line > line ? { ...edit, line: Math.max(line, edit.line + lineDelta) } : edit,
      );
      const others = moved.filter((edit) => edit.uri !== uri || Math.abs(edit.line - line) > sameplaceLines);
      edits = [{ uri, line, at: now() }, ...others].slice(0, capacity);
    },
    list: () => edits,
    forget(uri) {
      edits = edits.filter((edit) => edit.uri !== uri);
    },
  };
}
