import { RequestType } from 'vscode-languageserver-protocol';
import { z } from 'zod';

/** Every reason for which nothing is shown. Closed: a new one is added here, with its sentence in `reasonText`. */
export const noSuggestionReasons = [
  'disabled',
  'languageOff',
  'snoozed',
  'inlineSuggestOff',
  'excluded',
  'noModel',
  'modelLoading',
  'modelProblem',
  'serverDown',
  'unknownDocument',
  'documentTooLarge',
  'lineTooLong',
  'midWord',
  'cancelled',
  'superseded',
  'empty',
  'repetition',
  'suffixEcho',
  'unbalanced',
  'dedent',
  'licenceHeader',
  'secret',
  'brokenText',
  'error',
] as const;
export type NoSuggestionReason = (typeof noSuggestionReasons)[number];

export const reasonText: Record<NoSuggestionReason, string> = {
  disabled: 'Argot is switched off here (argot.enable).',
  languageOff: 'Argot is switched off for this language.',
  snoozed: 'Argot is snoozed.',
  inlineSuggestOff: 'VS Code shows no inline suggestions: editor.inlineSuggest.enabled is off.',
  excluded: 'The file matches a pattern of argot.exclude.',
  noModel: 'No model is installed yet. Run “Argot: Choose Model”.',
  modelLoading: 'The model is still loading.',
  modelProblem: 'The model could not be loaded. The status item says why.',
  serverDown: 'The language server is not running; it is being restarted.',
  unknownDocument: 'The language server does not know this document.',
  documentTooLarge: 'The file is larger than 50 MB.',
  lineTooLong: 'The line is longer than 2,000 characters, as in minified code.',
  midWord: 'The cursor is inside a word.',
  cancelled: 'The editor withdrew the request, usually because you typed on.',
  superseded: 'A newer request took its place.',
  empty: 'The model had nothing to add here.',
  repetition: 'The completion repeated itself or the lines above.',
  suffixEcho: 'The completion repeated what already follows the cursor.',
  unbalanced: 'The completion closed brackets that are not open.',
  dedent: 'The completion left the block that the cursor is in.',
  licenceHeader: 'The completion was a licence header.',
  secret: 'The completion looked like a key or a password.',
  brokenText: 'The completion held characters that are not text.',
  error: 'Something went wrong; the output channel has the details.',
};

export const stageNames = ['queue', 'context', 'prompt', 'prefill', 'decode', 'filters', 'total'] as const;
export type StageName = (typeof stageNames)[number];

/** Why chunks of other files are in a prompt, or are not. */
export const contextDecisions = ['off', 'noIndex', 'nothingFound', 'notWorthIt', 'used'] as const;
export const contextDecisionText: Record<(typeof contextDecisions)[number], string> = {
  off: 'Context from other files is switched off (argot.contextFromOtherFiles).',
  noIndex: 'The index of the folder has not answered yet, or the file is in no indexed folder.',
  nothingFound: 'The index found nothing that the prompt lacks.',
  notWorthIt: 'What the index found is unlikely to help here.',
  used: 'What the index found is likely to help here.',
};

export const contextTraceSchema = z.object({
  decision: z.enum(contextDecisions),
  /** That the chunks help, as predicted, and from which on they are used; absent where there are none. */
  probability: z.number().optional(),
  threshold: z.number().optional(),
  /** What the prediction was made from. */
  features: z.array(z.number()).optional(),
  /** In the prompt's order; paths relative to their workspace folder, lines from 0. */
  chunks: z.array(z.object({ path: z.string(), start: z.number().int(), end: z.number().int(), score: z.number() })),
});
export type ContextTrace = z.infer<typeof contextTraceSchema>;

/** What became of one completion request. Lives in the server's memory only. */
export const traceSchema = z.object({
  id: z.string(),
  uri: z.string(),
  languageId: z.string(),
  line: z.number().int(),
  character: z.number().int(),
  /** Where the completion came from: the model, the cache of shown completions, or a request already in flight. */
  source: z.enum(['model', 'cache', 'inFlight', 'none']),
  /** Exactly what the model was given, before the healed part; absent where the model was not asked. */
  prompt: z.string().optional(),
  /** What of other files the prompt holds, and why; absent where the model was not asked. */
  context: contextTraceSchema.optional(),
  /** The end of what was typed, which the completion must begin with (token healing). */
  healed: z.string().optional(),
  promptTokens: z.number().int(),
  reusedTokens: z.number().int(),
  evaluatedTokens: z.number().int(),
  decodedTokens: z.number().int(),
  /** Milliseconds by stage; a stage that did not run is absent. */
  stagesMs: z.partialRecord(z.enum(stageNames), z.number()),
  /** Why decoding ended. */
  stop: z.enum(['line', 'block', 'suffix', 'endOfText', 'maxTokens', 'cancelled']).optional(),
  /** What the model wrote, before the filters. */
  raw: z.string().optional(),
  /** What was offered. */
  completion: z.string().optional(),
  /** Filters that changed or withheld the completion. */
  filters: z.array(z.object({ name: z.string(), effect: z.enum(['changed', 'withheld']) })),
  reason: z.enum(noSuggestionReasons).optional(),
  detail: z.string().optional(),
});
export type Trace = z.infer<typeof traceSchema>;

/** Extension → server, when the developer asks “Why No Suggestion?” or “Show Last Completion”. */
export type LastTraceParams = { readonly uri?: string };
export type LastTraceResult = Trace | null;
export const lastTraceRequest = new RequestType<LastTraceParams, LastTraceResult, void>('argot/lastTrace');
