import { InlineCompletionList, type LogOutputChannel, type TextDocument } from 'vscode';
import type { Middleware } from 'vscode-languageclient/node';
import { enablementOf } from './enablement.ts';
import type { Snooze } from './snooze.ts';
import type { Watch } from './watch.ts';

/** Stands between the editor's requests for suggestions and the server. */
export function provideSuggestions(parts: {
  readonly snooze: Snooze;
  readonly watch: Watch;
  readonly output: LogOutputChannel;
  /** A request has ended, whatever came of it. */
  readonly ended: (document: TextDocument, version: number) => void;
}): Middleware {
  return {
    async provideInlineCompletionItems(document, position, context, token, next) {
      if (parts.snooze.until() !== undefined || !enablementOf(document).enabled) return null;
      const version = document.version;
      try {
        const answer = await next(document, position, context, token);
        const items = answer instanceof InlineCompletionList ? answer.items : (answer ?? []);
        const first = items[0];
        // The editor drops what comes for a text that is no longer there.
        if (first !== undefined && !token.isCancellationRequested && document.version === version) {
          parts.watch.offered(document, position, first);
        }
        return answer;
      } catch (error) {
        // A connection that breaks in mid request is the supervisor's to mend.
        parts.output.debug(`No suggestion: ${String(error)}`);
        return null;
      } finally {
        parts.ended(document, version);
      }
    },
  };
}
