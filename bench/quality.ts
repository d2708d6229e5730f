import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { completionMode } from '../language-server/src/completion/mode.ts';
import { buildPrompt } from '../language-server/src/completion/prompt.ts';
import type { PromptFormat } from '../language-server/src/completion/promptFormat.ts';
import { createStopRule } from '../language-server/src/completion/stop.ts';
import { windowStart } from '../language-server/src/completion/window.ts';
import type { Engine } from '../language-server/src/engine/engine.ts';
import { realEngine } from '../test/lib/learning.ts';
import { modelPath } from './lib/product.ts';
import { createRandom } from './lib/random.ts';
import { writtenLine } from './lib/writtenLine.ts';

/**
 * What a longer prompt and a header buy: the same lines of the traces' authors, completed with prompts of several budgets
 * and with several headers. Prints, for each, the mean share of the line's rest that the completion has right from its
 * beginning, and the share of lines right to their end.
 */
const { values } = parseArgs({
  options: { cases: { type: 'string', default: '60' }, json: { type: 'boolean', default: false } },
});

interface Case {
  readonly path: string;
  readonly languageId: string;
  readonly lines: readonly string[];
  readonly line: number;
  readonly character: number;
}

const languages: Readonly<Record<string, { readonly id: string; readonly comment: string }>> = {
  js: { id: 'javascript', comment: '//' },
  ts: { id: 'typescript', comment: '//' },
  py: { id: 'python', comment: '#' },
};
const plain: PromptFormat = { family: 'plain' };
const headers: Readonly<Record<string, { readonly format: PromptFormat; readonly withComment: boolean }>> = {
  none: { format: plain, withComment: false },
  comment: { format: plain, withComment: true },
  fileToken: { format: { ...plain, fileToken: '<file_sep>' }, withComment: false },
};

async function traceFiles(): Promise<{ path: string; text: string }[]> {
  const root = new URL('traces/', import.meta.url).pathname;
  const found: { path: string; text: string }[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.txt')) continue;
    found.push({
      path: entry.name.replace(/\.txt$/, ''),
      text: await readFile(join(entry.parentPath, entry.name), 'utf8'),
    });
  }
  return found.toSorted((a, b) => a.path.localeCompare(b.path));
}

function chooseCases(files: readonly { path: string; text: string }[], count: number): Case[] {
  const random = createRandom(7);
  const cases: Case[] = [];
  while (cases.length < count) {
    const file = files[cases.length % files.length];
    const language = languages[file?.path.split('.').at(-1) ?? ''];
    if (file === undefined || language === undefined) continue;
    const lines = file.text.split('\n');
    const line = 20 + Math.floor(random() * Math.max(1, lines.length - 21));
    const text = lines[line] ?? '';
    const indent = text.length - text.trimStart().length;
    if (text.trim().length < 12) continue;
    const character = indent + Math.floor(random() * Math.min(12, text.trim().length - 8));
    cases.push({ path: basename(file.path), languageId: language.id, lines, line, character });
  }
  return cases;
}

async function score(engine: Engine, cases: readonly Case[], budgetTokens: number, header: string) {
  const style = headers[header] ?? { format: plain, withComment: true };
  let agreed = 0;
  let exact = 0;
  for (const { path, languageId, lines, line, character } of cases) {
    const lineAt = (at: number) => lines[at] ?? '';
    const countTokens = (text: string) => engine.tokenize(text).length;
    const start = windowStart({ previousStart: undefined, cursorLine: line, lineAt, budgetTokens, countTokens });
    const before = [...lines.slice(start, line), lineAt(line).slice(0, character)].join('\n');
    const suffix = `\n${lines.slice(line + 1).join('\n')}`;
    const lineComment = style.withComment ? languages[path.split('.').at(-1) ?? '']?.comment : undefined;
    const prompt = buildPrompt({
      format: style.format,
      path,
      repository: undefined,
      lineComment,
      snippets: [],
      before,
      after: '',
    });
    const tokens = prompt.parts.flatMap((part) => {
      const special = part.kind === 'special' ? engine.specialToken(part.text) : undefined;
      return special === undefined ? engine.tokenize(part.text) : [special];
    });
    const stop = createStopRule({
      mode: completionMode({ prefix: before, suffix, languageId, multiline: 'never' }),
      prefix: before,
      suffix,
      languageId,
      maxLines: 1,
    });
    const request = { tokens, required: prompt.required, maxTokens: 32 };
    const said = await writtenLine(engine, request, stop, new AbortController().signal);
    const wanted = lineAt(line).slice(character).trimEnd();
    let right = 0;
    while (right < wanted.length && wanted[right] === said[right]) right++;
    agreed += right / Math.max(1, wanted.length);
    exact += said.trimEnd() === wanted ? 1 : 0;
  }
  return { header, budgetTokens, agreedShare: agreed / cases.length, exactShare: exact / cases.length };
}

await using engine = await realEngine(modelPath());
const cases = chooseCases(await traceFiles(), Number(values.cases));
const rows: Awaited<ReturnType<typeof score>>[] = [];
for (const [budgetTokens, header] of [
  [256, 'none'],
  [256, 'comment'],
  [256, 'fileToken'],
  [128, 'comment'],
  [384, 'comment'],
  [576, 'comment'],
] as const) {
  const row = await score(engine, cases, budgetTokens, header);
  rows.push(row);
  process.stderr.write(
    `${header.padEnd(10)} ${budgetTokens} tokens: ${(row.agreedShare * 100).toFixed(1)} % of the line right from its start, ${(row.exactShare * 100).toFixed(1)} % of lines exact\n`,
  );
}
if (values.json) process.stdout.write(`${JSON.stringify({ cases: cases.length, rows })}\n`);
else console.table(rows);
