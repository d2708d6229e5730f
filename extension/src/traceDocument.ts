import { contextDecisionText, reasonText, stageNames, type Trace } from '#protocol/trace.ts';

/** A trace as a Markdown document that reads from the outcome down to the prompt. */
export function traceDocument(trace: Trace | null | undefined): string {
  if (trace === null || trace === undefined) {
    return '# Last completion\n\nThere has been no request for a completion yet.\n';
  }
  return [
    '# Last completion',
    outcome(trace),
    list([
      `File: ${trace.uri}`,
      `Language: ${trace.languageId}`,
      `Cursor: line ${trace.line + 1}, column ${trace.character + 1}`,
      `Came from: ${sources[trace.source]}`,
      ...(trace.stop === undefined ? [] : [`Stopped at: ${stops[trace.stop]}`]),
    ]),
    '## Tokens',
    list([
      `In the prompt: ${trace.promptTokens}`,
      `Reused from the request before: ${trace.reusedTokens}`,
      `Evaluated: ${trace.evaluatedTokens}`,
      `Written: ${trace.decodedTokens}`,
    ]),
    '## Time',
    list(stageNames.flatMap((name) => stage(name, trace.stagesMs[name]))),
    ...context(trace.context),
    '## Filters',
    trace.filters.length === 0
      ? 'No filter had anything to say.'
      : list(trace.filters.map((filter) => `${filter.name}: ${filter.effect} the completion`)),
    ...text('## Offered', trace.completion),
    ...text('## As the model wrote it', trace.raw),
    ...text('## Prompt as sent', trace.prompt),
    ...text('## Healed: the completion had to begin with', trace.healed),
    '',
  ].join('\n\n');
}

const sources: Record<Trace['source'], string> = {
  model: 'the model',
  cache: 'suggestions that were shown before',
  inFlight: 'a request that was already running',
  none: 'nowhere; the model was not asked',
};

const stops: Record<NonNullable<Trace['stop']>, string> = {
  line: 'the end of the line',
  block: 'the end of the block',
  suffix: 'the text that already follows',
  endOfText: 'the model’s own end',
  maxTokens: 'the token limit',
  cancelled: 'a newer keystroke',
};

function context(used: Trace['context']): string[] {
  if (used === undefined) return [];
  const chances =
    used.probability === undefined || used.threshold === undefined
      ? []
      : [`Likelihood that they help: ${percent(used.probability)} (used from ${percent(used.threshold)} on)`];
  const places = used.chunks.map(({ path, start, end }) => `${path}, lines ${start + 1} to ${end}`);
  return ['## Other files', list([contextDecisionText[used.decision], ...chances, ...places])];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function outcome(trace: Trace): string {
  if (trace.reason === undefined) return 'A suggestion was offered.';
  return `Nothing was offered. ${reasonText[trace.reason]}${trace.detail === undefined ? '' : ` ${trace.detail}`}`;
}

function stage(name: string, ms: number | undefined): string[] {
  return ms === undefined ? [] : [`${name}: ${ms.toFixed(1)} ms`];
}

function list(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join('\n');
}

function text(title: string, content: string | undefined): string[] {
  return content === undefined || content === '' ? [] : [title, fenced(content)];
}

/** A fence that the content can't close. */
function fenced(content: string): string {
  const longest = Math.max(2, ...(content.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${content}\n${fence}`;
}
