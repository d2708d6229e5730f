/**
 * What the completion pipeline must know of a language to tell code from strings and comments and to see where a block
 * begins and ends. It is a lexical sketch, not a grammar: wrong in rare places, cheap everywhere.
 */
export type BlockStyle = 'braces' | 'indent' | 'end' | 'none';

export interface StringSyntax {
  readonly open: string;
  readonly close: string;
  /** A backslash takes the next character with it. */
  readonly escapes: boolean;
  readonly lines: 'one' | 'many';
  /** Opens code within the string, up to the matching `}`. */
  readonly interpolation?: string;
  /** `apart`: not after a word character, where it is an apostrophe. `char`: only around a single character (Rust's lifetimes). */
  readonly opens: 'anywhere' | 'apart' | 'char';
}

/** How lines open and close a block in languages that spell it with words. */
export interface BlockWords {
  /** A header that is recognisable with the cursor still at its end. */
  readonly opensAtCursor: RegExp;
  /** A header once its line is finished. */
  readonly opensLine: RegExp;
  /** Start of the line that closes the block; for `indent` nothing does. */
  readonly closes: RegExp;
  /** Start of a line at the header's indentation that goes on with the same construct. */
  readonly continues: RegExp;
}

export interface Language {
  readonly lineComments: readonly string[];
  /** A line comment begins only after a blank: elsewhere its mark means something else, such as `$#` in a shell. */
  readonly commentsApart: boolean;
  readonly blockComments: readonly (readonly [open: string, close: string])[];
  readonly strings: readonly StringSyntax[];
  /** The brackets that must balance, in pairs; empty for prose and markup. */
  readonly brackets: string;
  readonly blocks: BlockStyle;
  /** Whether `{` at a line's end opens a block, whatever `blocks` says. */
  readonly braceBlocks: boolean;
  readonly regexLiterals: boolean;
  readonly words?: BlockWords;
}

function quoted(open: string, more: Partial<StringSyntax> = {}): StringSyntax {
  return { open, close: open, escapes: true, lines: 'one', opens: 'anywhere', ...more };
}

const double = quoted('"');
const single = quoted("'");
const backtick = quoted('`', { lines: 'many' });
const template = quoted('`', { lines: 'many', interpolation: '${' });
const apostrophe = quoted("'", { opens: 'apart' });
const character = quoted("'", { opens: 'char' });
const tripleDouble = quoted('"""', { lines: 'many' });
const tripleSingle = quoted("'''", { lines: 'many' });

const slashes = { lineComments: ['//'], blockComments: [['/*', '*/']] } as const;
const hash = { lineComments: ['#'], blockComments: [] } as const;
const angle = { lineComments: [], blockComments: [['<!--', '-->']] } as const;

const never = /(?!)/;

const braces: Language = {
  ...slashes,
  commentsApart: false,
  strings: [double, single],
  brackets: '()[]{}',
  blocks: 'braces',
  braceBlocks: true,
  regexLiterals: false,
};
const plain: Language = {
  lineComments: [],
  commentsApart: false,
  blockComments: [],
  strings: [],
  brackets: '',
  blocks: 'none',
  braceBlocks: false,
  regexLiterals: false,
};
const script: Language = { ...braces, strings: [template, double, single], regexLiterals: true };
const markup: Language = { ...plain, ...angle };
const data: Language = { ...plain, ...hash, commentsApart: true, strings: [double, apostrophe], brackets: '()[]{}' };

const python: Language = {
  ...plain,
  ...hash,
  strings: [tripleDouble, tripleSingle, double, single],
  brackets: '()[]{}',
  blocks: 'indent',
  words: {
    opensAtCursor: /^(?:async\s+)?(?:def|class|if|elif|else|for|while|try|except|finally|with|match|case)\b[\s\S]*:$/,
    opensLine: /^(?:async\s+)?(?:def|class|if|elif|else|for|while|try|except|finally|with|match|case)\b[\s\S]*:$/,
    closes: never,
    continues: never,
  },
};

const rubyWords: BlockWords = {
  opensAtCursor: /\bdo(?:\s*\|[^|]*\|)?$|\bthen$|^(?:else|begin|ensure)$|^(?:\w+\s+)?def\b[^=]*\)$/,
  opensLine:
    /\bdo(?:\s*\|[^|]*\|)?$|\bthen$|^(?:class|module|if|unless|while|until|for|case|begin|else|elsif|ensure|rescue|when)\b(?![\s\S]*\bend$)|^(?:\w+\s+)?def\b(?![\s\S]*(?:\bend$|\)\s*=\s))/,
  closes: /^end\b/,
  continues: /^(?:else|elsif|when|rescue|ensure)\b/,
};
const ruby: Language = {
  ...plain,
  ...hash,
  blockComments: [['=begin', '=end']],
  strings: [double, single, backtick],
  brackets: '()[]{}',
  blocks: 'end',
  braceBlocks: true,
  words: rubyWords,
};

const luaHeader = /\b(?:then|do|repeat|else)$|\bfunction\b[^()]*\([^()]*\)$/;
const lua: Language = {
  ...plain,
  lineComments: ['--'],
  blockComments: [['--[[', ']]']],
  strings: [double, single, quoted('[[', { close: ']]', escapes: false, lines: 'many' })],
  brackets: '()[]{}',
  blocks: 'end',
  words: {
    opensAtCursor: luaHeader,
    opensLine: luaHeader,
    closes: /^(?:end|until)\b/,
    continues: /^(?:else|elseif)\b/,
  },
};

const shellHeader = /(?:^|[\s;])(?:then|do|else)$|^case\b.*\bin$/;
const shell: Language = {
  ...plain,
  ...hash,
  commentsApart: true,
  strings: [quoted('"', { lines: 'many' }), quoted("'", { lines: 'many', escapes: false })],
  // A `case` pattern ends with a `)` that nothing opens.
  brackets: '[]{}',
  blocks: 'end',
  braceBlocks: true,
  words: {
    opensAtCursor: shellHeader,
    opensLine: shellHeader,
    closes: /^(?:fi|done|esac)\b/,
    continues: /^(?:else|elif)\b/,
  },
};

const elixirHeader = /\bdo$|\bfn\b[\s\S]*->$|^(?:else|rescue|after|catch)$/;
const elixir: Language = {
  ...plain,
  ...hash,
  strings: [tripleDouble, double],
  brackets: '()[]{}',
  blocks: 'end',
  words: {
    opensAtCursor: elixirHeader,
    opensLine: elixirHeader,
    closes: /^end\b/,
    continues: /^(?:else|rescue|after|catch)\b/,
  },
};

const julia: Language = {
  ...plain,
  ...hash,
  blockComments: [['#=', '=#']],
  strings: [tripleDouble, double],
  brackets: '()[]{}',
  blocks: 'end',
  words: {
    opensAtCursor: /^function\b[\s\S]*\)$|\bbegin$|\bdo(?:\s+\w+)?$|^(?:else|try)$/,
    opensLine:
      /^(?:function|macro|if|elseif|else|for|while|let|try|catch|finally|module|(?:mutable\s+)?struct)\b(?![\s\S]*\bend$)|\bbegin$|\bdo(?:\s+\w+)?$/,
    closes: /^end\b/,
    continues: /^(?:else|elseif|catch|finally)\b/,
  },
};

const languages: Readonly<Record<string, Language>> = {
  javascript: script,
  javascriptreact: script,
  typescript: script,
  typescriptreact: script,
  vue: { ...script, blockComments: [...slashes.blockComments, ...angle.blockComments] },
  svelte: { ...script, blockComments: [...slashes.blockComments, ...angle.blockComments] },
  python,
  ruby,
  crystal: ruby,
  lua,
  shellscript: shell,
  elixir,
  julia,
  go: { ...braces, strings: [quoted('`', { lines: 'many', escapes: false }), double, single] },
  rust: { ...braces, strings: [quoted('"', { lines: 'many' }), character] },
  java: { ...braces, strings: [tripleDouble, double, single] },
  kotlin: { ...braces, strings: [tripleDouble, double, single] },
  scala: { ...braces, strings: [tripleDouble, double, character] },
  groovy: { ...braces, strings: [tripleDouble, tripleSingle, double, single] },
  csharp: {
    ...braces,
    strings: [tripleDouble, quoted('@"', { close: '"', escapes: false, lines: 'many' }), double, single],
  },
  swift: { ...braces, strings: [tripleDouble, double] },
  dart: { ...braces, strings: [tripleDouble, tripleSingle, double, single] },
  c: braces,
  cpp: braces,
  'objective-c': braces,
  'objective-cpp': braces,
  zig: { ...braces, blockComments: [] },
  php: {
    ...braces,
    lineComments: ['//', '#'],
    strings: [quoted('"', { lines: 'many' }), quoted("'", { lines: 'many' })],
  },
  perl: { ...braces, ...hash, commentsApart: true },
  r: { ...braces, ...hash },
  powershell: { ...braces, ...hash, blockComments: [['<#', '#>']], strings: [double, apostrophe] },
  terraform: { ...braces, lineComments: ['#', '//'], strings: [double] },
  proto3: braces,
  css: { ...braces, lineComments: [] },
  scss: braces,
  less: braces,
  json: { ...data, lineComments: [], strings: [double] },
  jsonc: { ...data, ...slashes, strings: [double] },
  yaml: { ...data },
  toml: { ...data, strings: [tripleDouble, tripleSingle, double, quoted("'", { escapes: false })] },
  ini: { ...plain, lineComments: [';', '#'] },
  properties: { ...plain, ...hash },
  dockerfile: { ...data, brackets: '' },
  makefile: { ...plain, ...hash },
  sql: { ...plain, lineComments: ['--'], blockComments: [['/*', '*/']], strings: [single, double], brackets: '()' },
  haskell: {
    ...plain,
    lineComments: ['--'],
    blockComments: [['{-', '-}']],
    strings: [double, apostrophe],
    brackets: '()[]{}',
  },
  clojure: { ...plain, lineComments: [';'], strings: [quoted('"', { lines: 'many' })], brackets: '()[]{}' },
  html: markup,
  xml: markup,
  markdown: markup,
  latex: { ...plain, lineComments: ['%'], brackets: '{}' },
  plaintext: plain,
};

/** A language that is not listed is taken for one with C's lexis, but nothing in it calls for a block. */
const unknown: Language = {
  ...braces,
  strings: [double, apostrophe],
  blocks: 'none',
  braceBlocks: false,
  brackets: '',
};

export function languageOf(languageId: string): Language {
  return Object.hasOwn(languages, languageId) ? (languages[languageId] ?? unknown) : unknown;
}

/** What begins a comment that ends with its line; undefined where the language has none. */
export function lineCommentOf(languageId: string): string | undefined {
  return languageOf(languageId).lineComments[0];
}

/** The ids that have an entry of their own. */
export const knownLanguages: readonly string[] = Object.keys(languages);
