import type { Problem } from '#protocol/status.ts';

/** What the extension itself can find wrong, in the shape of the server's problems. */
export interface Complaint {
  readonly code: string;
  readonly message: string;
  readonly remedy?: { readonly title: string; readonly command: string };
}

/** Tells each problem once in the life of this window; the status item goes on showing it. */
export function createProblems(
  show: (complaint: Complaint) => void,
): (problem: Problem | Complaint | undefined) => void {
  const told = new Set<string>();
  return (problem) => {
    if (problem === undefined) return;
    const key = `${problem.code}\n${problem.message}`;
    if (told.has(key)) return;
    told.add(key);
    show(problem);
  };
}
