import { createStopRule } from '../../language-server/src/completion/stop.ts';
import { shippedAskModel } from '../../language-server/src/context/askModel.ts';
import { realEngine } from '../../test/lib/learning.ts';
import { modelPath } from '../lib/product.ts';
import { writtenLine } from '../lib/writtenLine.ts';
import type { Measured } from './report.ts';
import { questionOf, type RowName, rowNames, snippetsOf } from './rows.ts';

export interface Generated {
  readonly rows: readonly {
    readonly row: RowName;
    readonly exact: boolean;
    /** 1 − edit distance over the longer length. */
    readonly similarity: number;
  }[];
}

/** Lets the model write the rest of each case's line, as the product would, for every row; as many as the time allows. */
export async function generateLines(
  measured: readonly Measured[],
  deadline: number,
  signal: AbortSignal,
  progress: (line: string) => void,
): Promise<Generated[]> {
  if (measured.length === 0) return [];
  await using engine = await realEngine(modelPath());
  const generated: Generated[] = [];
  for (const { prepared } of measured) {
    if (performance.now() > deadline) break;
    const { made } = prepared;
    const rows = [];
    for (const row of rowNames) {
      signal.throwIfAborted();
      const question = questionOf(engine, prepared, snippetsOf(row, prepared, shippedAskModel));
      const stop = createStopRule({
        mode: { mode: 'line' },
        prefix: prepared.shown.before,
        suffix: made.after,
        languageId: 'javascript',
        maxLines: 1,
      });
      const request = { tokens: question.prompt, required: question.required, maxTokens: 48 };
      const offered = (await writtenLine(engine, request, stop, signal)).trimEnd();
      rows.push({ row, exact: offered === made.target, similarity: similarity(offered, made.target) });
    }
    generated.push({ rows });
    progress(`${generated.length} of ${measured.length} lines written…`);
  }
  return generated;
}

function similarity(a: string, b: string): number {
  const longer = Math.max(a.length, b.length);
  return longer === 0 ? 1 : 1 - editDistance(a, b) / longer;
}

/** Levenshtein's distance, in UTF-16 units. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
