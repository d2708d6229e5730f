import { createHash } from 'node:crypto';

/** What the developer did, as an example names it. `ownHistory` is code from before Argot, from their own commits. */
export const exampleKinds = ['accepted', 'partial', 'corrected', 'typedInstead', 'undone', 'ownHistory'] as const;
export type ExampleKind = (typeof exampleKinds)[number];

/** The developer's own code around one event, as they left it: what learning learns from. It never leaves the machine. */
export interface Example {
  readonly id: string;
  readonly kind: ExampleKind;
  /** See `repositoryId`; empty for a file outside all workspace folders. Never sent anywhere. */
  readonly repository: string;
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly languageId: string;
  /** Whole lines, ended by `\n` whatever the file ends them by. */
  readonly text: string;
  /** What the event was about, in UTF-16 units of `text`: `[spanStart, spanEnd)`. Empty where the developer kept nothing. */
  readonly spanStart: number;
  readonly spanEnd: number;
  /** How much the span teaches beside the lines around it, which count 1. */
  readonly weight: number;
  readonly createdAtMs: number;
  /** `contentHashOf` the text and the span: two examples of one kind with one hash teach the same. */
  readonly contentHash: string;
}

/**
 * Extra weight of the span by kind. A model that wrote what was kept learns little from it; what the developer wrote in
 * its place teaches most; what was taken back is shown by the code that stands there instead.
 */
export const kindWeights: Readonly<Record<ExampleKind, number>> = {
  accepted: 0.3,
  partial: 0.6,
  corrected: 3,
  typedInstead: 2,
  undone: 1,
  ownHistory: 1,
};

/** SHA-256 in hexadecimal, blind to blank lines and to blanks at the ends of lines. */
export function contentHashOf(text: string, spanStart: number, spanEnd: number): string {
  const essence = (part: string): string =>
    part
      .split('\n')
      .map((line) => line.trimEnd())
      .filter((line) => line !== '')
      .join('\n');
  return createHash('sha256')
    .update(essence(text))
    .update('\0')
    .update(essence(text.slice(spanStart, spanEnd)))
    .digest('hex');
}

/** Stable for a workspace folder on this machine, and readable: `shop#1f0c9a3b`. */
export function repositoryId(folder: { readonly uri: string; readonly name: string }): string {
  const root = folder.uri.replace(/\/+$/, '');
  return `${folder.name}#${createHash('sha256').update(root).digest('hex').slice(0, 8)}`;
}
