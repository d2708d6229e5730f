import { heal } from './heal.ts';
import type { PromptFormat } from './promptFormat.ts';

/** A piece of a prompt: text, in which nothing is special, or the name of a special token. */
export type PromptPart = { readonly kind: 'text' | 'special'; readonly text: string };

/** Another place whose text may help; `path` is relative to its workspace folder. */
export interface Snippet {
  readonly path: string;
  readonly text: string;
}

export interface PromptInput {
  readonly format: PromptFormat;
  /** Relative to the workspace folder, with forward slashes; the model reads it, so it is never absolute. */
  readonly path: string;
  readonly repository: string | undefined;
  /** Begins a comment that ends with the line; undefined where the language has none. */
  readonly lineComment: string | undefined;
  readonly snippets: readonly Snippet[];
  /** From the window's first line to the cursor. */
  readonly before: string;
  /** From the cursor on; already cut to its budget. */
  readonly after: string;
}

export interface Prompt {
  readonly parts: readonly PromptPart[];
  /** What the output must begin with: the end of `before`, given back by token healing. */
  readonly required: string;
}

/**
 * The prompt of one request. What changes least comes first (names, other files, the window's start), so that the KV
 * prefix survives from keystroke to keystroke. A model without fill-in-the-middle tokens gets only what stands before
 * the cursor; its output is cut where the text after the cursor begins.
 */
export function buildPrompt(input: PromptInput): Prompt {
  const { format, after } = input;
  const { prompt, required } = heal(normaliseNewlines(input.before));
  const head = [
    ...repositoryHeader(input),
    ...input.snippets.flatMap((snippet) => fileHeader(input, snippet.path, snippet.text)),
  ];
  if (format.fim === undefined) {
    return { parts: joinText([...head, ...fileHeader(input, input.path, prompt)]), required };
  }
  const { fim } = format;
  return {
    parts: joinText([
      ...head,
      ...(format.fileToken === undefined ? [] : [special(format.fileToken), text(`${input.path}\n`)]),
      special(fim.prefix),
      text(format.fileToken === undefined ? commented(input, input.path) + prompt : prompt),
      special(fim.suffix),
      text(normaliseNewlines(after)),
      special(fim.middle),
    ]),
    required,
  };
}

/** The prompt as a person reads it. */
export function renderPrompt(prompt: Prompt): string {
  return prompt.parts.map((part) => part.text).join('');
}

/** Models have hardly seen CRLF; what they write is turned back by the caller. */
export function normaliseNewlines(value: string): string {
  return value.replaceAll('\r\n', '\n');
}

function repositoryHeader({ format, repository }: PromptInput): PromptPart[] {
  if (format.repositoryToken === undefined || repository === undefined) return [];
  return [special(format.repositoryToken), text(`${repository}\n`)];
}

function fileHeader(input: PromptInput, path: string, content: string): PromptPart[] {
  const body = content.endsWith('\n') || path === input.path ? content : `${content}\n`;
  if (input.format.fileToken === undefined) return [text(commented(input, path) + body)];
  return [special(input.format.fileToken), text(`${path}\n${body}`)];
}

function commented({ lineComment }: PromptInput, path: string): string {
  return lineComment === undefined ? '' : `${lineComment} ${path}\n`;
}

function joinText(parts: readonly PromptPart[]): PromptPart[] {
  const joined: PromptPart[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.text === '') continue;
    if (part.kind === 'text' && last?.kind === 'text') joined[joined.length - 1] = text(last.text + part.text);
    else joined.push(part);
  }
  return joined;
}

const text = (value: string): PromptPart => ({ kind: 'text', text: value });
const special = (value: string): PromptPart => ({ kind: 'special', text: value });
