import { createBlockRule } from './blockRule.ts';
import { createLineRule } from './lineRule.ts';
import { contentLines, trimBlanksEnd, withoutUnfinishedCharacter } from './lines.ts';
import type { CompletionMode, Place } from './mode.ts';

export interface StopOptions extends Place {
  readonly mode: CompletionMode;
  /** Lines with content that a block may have. */
  readonly maxLines: number;
}

/** The text to go on with, always a prefix of what the model wrote, and what ended it. */
export interface Stop {
  readonly text: string;
  readonly why: 'line' | 'block' | 'suffix';
}

/** Called with all text so far after each token; how the text is split into tokens never changes the result. */
export type StopRule = (text: string) => Stop | null;

/**
 * When generation has said enough. `text` is what follows the cursor: without the part that token healing gave back.
 *
 * Line mode ends at the first line end after something was written, or before it behind the semicolon that ends a
 * statement. Where the cursor's line already has content and the
 * model begins with a line end, the line is complete as it is, and the one line that follows is worth offering (after a
 * comment or a statement it is what a person types next); but an empty line means that the model sees a new paragraph,
 * about which one line says too little, so nothing is offered. On a blank line the model may begin with up to two line
 * ends, because small models often do; the `leadingBlank` filter takes them away.
 *
 * Block mode ends where the block does: at its closing bracket or word, which belongs to the text unless the document
 * has it already; before a line that is not deeper than the block's header; at two empty lines; where lines come again
 * in a circle; at `maxLines`.
 *
 * Both end where the document's own text after the cursor begins.
 */
export function createStopRule(options: StopOptions): StopRule {
  const rule = options.mode.mode === 'line' ? createLineRule(options) : createBlockRule(options, options.mode);
  return (text) => rule(withoutUnfinishedCharacter(text));
}

/**
 * What to go on with when the model ended before the rule did. Text that ran out of tokens within a block loses its last
 * line, which is cut anywhere, and what it left open; a half-decoded character is no text.
 */
export function finishText(options: StopOptions, text: string, ended: 'endOfText' | 'maxTokens'): string {
  const whole = withoutUnfinishedCharacter(text).replace(/\u200d+$/, '');
  const stop = createStopRule(options)(`${whole}\n`);
  if (stop !== null && stop.text.length < whole.length) return stop.text;
  if (options.mode.mode === 'line' || ended === 'endOfText') return whole;
  const complete = whole.slice(0, whole.lastIndexOf('\n') + 1);
  const maxLines = contentLines(complete).length;
  return maxLines === 0 ? whole : (createStopRule({ ...options, maxLines })(complete)?.text ?? trimBlanksEnd(complete));
}
