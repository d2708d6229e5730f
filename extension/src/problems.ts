import type { Problem } from '#protocol/status.ts';

/** What the extension itself can find wrong, in the shape of the server's problems. */
export interface Complaint {
  readonly code: string;
  readonly message: string;
  readonly remedy?: { readonly title: string; readonly command: string };
}

export interface Problems {
  tell(problem: Problem | Complaint | undefined): void;
  /** After the developer asked for another try, the answer is news again. */
  forget(): void;
}

/** Tells each problem once in the life of this window; the status item goes on showing it. */
export function createProblems(show: (complaint: Complaint) => void): Problems {
  const told = new Set<string>();
  return {
    tell(problem) {
      if (problem === undefined) return;
      const key = `${problem.code}\n${problem.message}`;
      if (told.has(key)) return;
      told.add(key);
      show(problem);
    },
    forget: () => told.clear(),
  };
}
