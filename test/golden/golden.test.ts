import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { applyFilters } from '../../language-server/src/completion/filters/apply.ts';
import { knownLanguages, lineCommentOf } from '../../language-server/src/completion/languages.ts';
import { type CompletionMode, completionMode } from '../../language-server/src/completion/mode.ts';
import { buildPrompt } from '../../language-server/src/completion/prompt.ts';
import { createStopRule, finishText, type StopOptions } from '../../language-server/src/completion/stop.ts';
import { noSuggestionReasons } from '../../protocol/src/trace.ts';
import { type GoldenCase, readCases, section } from './caseFile.ts';
import { formats } from './formats.ts';

const folder = import.meta.dirname;
const defaultMaxLines = 12;

describe('modes', () => {
  for (const golden of readCases(join(folder, 'modes'), ['rule', 'language', 'why', 'multiline'])) {
    test(`${golden.name}: ${golden.headers.why}`, () => {
      expect(describeMode(modeOf(golden))).toBe(section(golden, 'mode'));
    });
  }
});

describe('stop', () => {
  for (const golden of readCases(join(folder, 'stop'), ['rule', 'language', 'why', 'multiline', 'ends', 'lines'])) {
    describe(`${golden.name}: ${golden.headers.why}`, () => {
      const model = section(golden, 'model writes');
      for (const [split, texts] of Object.entries(splits(model))) {
        test(split, () => {
          const { text, ends } = stream(golden, texts);
          expect(text).toBe(section(golden, 'offered'));
          expect(ends).toBe(golden.headers.ends);
          expect(model.startsWith(text)).toBe(true);
        });
      }
    });
  }
});

describe('filters', () => {
  for (const golden of readCases(join(folder, 'filters'), ['rule', 'language', 'why', 'multiline'])) {
    test(`${golden.name}: ${golden.headers.why}`, () => {
      const written = section(golden, 'model writes');
      const result = applyFilters(written, { ...place(golden), mode: modeOf(golden) });
      const names = result.applied.map((filter) => filter.name);
      const reason = noSuggestionReasons.find((known) => `withheld: ${known}` in golden.sections);
      if (reason !== undefined) {
        expect(result).toMatchObject({ text: null, reason });
        expect(names).toContain(golden.headers.rule);
        return;
      }
      const offered = section(golden, 'offered');
      expect(result.text).toBe(offered);
      expect(names).toEqual(offered === written ? [] : expect.arrayContaining([golden.headers.rule]));
    });
  }
});

describe('prompts', () => {
  for (const golden of readCases(join(folder, 'prompts'), ['rule', 'language', 'why', 'model', 'path', 'repository'])) {
    test(`${golden.name}: ${golden.headers.why}`, () => {
      const { prefix, suffix, languageId } = place(golden);
      const format = formats[golden.headers.model ?? ''];
      if (format === undefined) throw new Error(`${golden.name}: model: is one of ${Object.keys(formats).join(', ')}.`);
      const prompt = buildPrompt({
        format,
        path: golden.headers.path ?? '',
        repository: golden.headers.repository,
        lineComment: lineCommentOf(languageId),
        snippets: Object.entries(golden.sections).flatMap(([title, text]) =>
          title.startsWith('snippet ') ? [{ path: title.slice('snippet '.length), text }] : [],
        ),
        before: prefix,
        after: suffix,
      });
      const shown = prompt.parts.map(({ kind, text }) => (kind === 'special' ? `⟪${text}⟫` : text)).join('');
      expect(shown).toBe(section(golden, 'prompt'));
      expect(prompt.required).toBe(section(golden, 'given back'));
    });
  }
});

function place(golden: GoldenCase) {
  const { language = '' } = golden.headers;
  if (!knownLanguages.includes(language)) throw new Error(`${golden.name}: “${language}” is no known language.`);
  return { prefix: golden.prefix, suffix: golden.suffix, languageId: language };
}

function modeOf(golden: GoldenCase): CompletionMode {
  const multiline = golden.headers.multiline ?? 'auto';
  if (multiline !== 'auto' && multiline !== 'never') throw new Error(`${golden.name}: multiline is auto or never.`);
  return completionMode({ ...place(golden), multiline });
}

function describeMode(mode: CompletionMode): string {
  if (mode.mode === 'line') return 'line';
  const indent = mode.indent.includes('\t') ? `${mode.indent.length} tabs` : `${mode.indent.length} spaces`;
  return `block by ${mode.style}, header at ${indent}, ${mode.closed ? 'closed' : 'open'}`;
}

/** What the stop rule makes of a stream, given all text so far after each token, and what comes after the last one. */
function stream(golden: GoldenCase, texts: readonly string[]): { readonly text: string; readonly ends: string } {
  const mode = modeOf(golden);
  const maxLines = Number(golden.headers.lines ?? defaultMaxLines);
  const options: StopOptions = { ...place(golden), mode, maxLines };
  const rule = createStopRule(options);
  for (const text of texts) {
    const stop = rule(text);
    if (stop !== null) return { text: stop.text, ends: stop.why };
  }
  const ends = golden.headers.ends === 'maxTokens' ? 'maxTokens' : 'endOfText';
  return { text: finishText(options, texts.at(-1) ?? '', ends), ends };
}

/** A byte at a time as a tokenizer decodes them, a UTF-16 unit at a time, pieces of several sizes, words, and all at once. */
function splits(text: string): Readonly<Record<string, readonly string[]>> {
  const bytes = new TextEncoder().encode(text);
  const sized = (size: number) => cumulative(text.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? []);
  return {
    'by byte': Array.from(bytes, (_, index) => new TextDecoder().decode(bytes.subarray(0, index + 1))),
    'by character': sized(1),
    'by two': sized(2),
    'by seven': sized(7),
    'by word': cumulative(text.match(/\s*\w+|\s*[^\w\s]|\s+/g) ?? []),
    'at once': [text],
  };
}

function cumulative(pieces: readonly string[]): readonly string[] {
  return pieces.map((_, index) => pieces.slice(0, index + 1).join(''));
}
