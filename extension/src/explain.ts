import { type NoSuggestionReason, reasonText, type Trace } from '#protocol/trace.ts';

/** What the extension knows before it asks the server. */
export interface Knowledge {
  readonly off: NoSuggestionReason | undefined;
  readonly snooze: string | undefined;
  readonly connected: boolean;
  readonly problem: string | undefined;
}

/** One sentence that answers “Why No Suggestion?”; `undefined` means that only the server can tell. */
export function localReason(known: Knowledge): string | undefined {
  if (known.snooze !== undefined) return known.snooze;
  if (known.off !== undefined) return reasonText[known.off];
  if (!known.connected) return reasonText.serverDown;
  return known.problem;
}

export function traceReason(trace: Trace | null | undefined): string {
  if (trace === undefined || trace === null) {
    return 'VS Code has not asked for a suggestion in this file yet. Type, or run “Trigger Inline Suggestion”.';
  }
  const place = `line ${trace.line + 1}, column ${trace.character + 1}`;
  if (trace.reason === undefined) {
    const first = trace.completion?.split('\n', 1)[0]?.trim() ?? '';
    return `The last request (${place}) did get a suggestion: “${first}”. It is shown while the cursor is there.`;
  }
  const detail = trace.detail === undefined ? '' : ` ${trace.detail}`;
  return `The last request (${place}): ${reasonText[trace.reason]}${detail}`;
}
