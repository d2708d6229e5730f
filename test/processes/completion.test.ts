import { expect, test } from 'vitest';
import { grownNotification } from '#protocol/signals.ts';
import type { Client } from '../lib/client.ts';
import { atCursor, javascript, sharedServer } from './setup.ts';

const own = sharedServer();

async function open(client: Client, marked: string, languageId = 'javascript', name = 'a.js') {
  const { text, offset } = atCursor(marked);
  const document = await client.open({ uri: `file:///w/${name}`, languageId, text });
  let cursor = offset;
  return {
    document,
    complete: () => client.complete(document, cursor),
    async type(typed: string) {
      await document.edit(cursor, 0, typed);
      cursor += typed.length;
    },
    async backspace() {
      await document.edit(cursor - 1, 1, '');
      cursor--;
    },
    rest: () => client.cursor(document, cursor),
    async offered() {
      const answer = await client.complete(document, cursor);
      const text = answer.kind === 'items' ? answer.items[0]?.insertText : undefined;
      return typeof text === 'string' ? text : undefined;
    },
  };
}

test('a real model completes a line of JavaScript from inside a word', async () => {
  await using client = await own.connect();
  const editor = await open(client, javascript.replace('‸', 'return JSON.pa‸'));
  const offered = await editor.offered();
  expect(offered).toMatch(/^rse\(/);
  const trace = await client.lastTrace();
  expect(trace).toMatchObject({ source: 'model', healed: 'pa', stop: 'line' });
  expect(trace?.prompt).toContain('function readJson(path)');
});

test('typing through a suggestion asks the model nothing, and a backspace restores it', async () => {
  await using client = await own.connect();
  const editor = await open(client, javascript);
  const first = await editor.offered();
  expect(first?.length).toBeGreaterThan(4);
  const { modelCalls } = await client.statistics();
  for (let i = 0; i < 4; i++) {
    await editor.type(first?.[i] ?? '');
    expect(await editor.offered()).toBe(first?.slice(i + 1));
  }
  for (let i = 3; i >= 0; i--) {
    await editor.backspace();
    expect(await editor.offered()).toBe(first?.slice(i));
  }
  expect((await client.statistics()).modelCalls).toBe(modelCalls);
});

const block = '\n  const total = sum(list);\n  return total / list.length;\n}';
const beginsBlock = `function mean(list) {${block}\n\nfunction average(list) {‸\n`;

test('a block is offered with its first line, and the window hears when the rest can be had', async () => {
  await using client = await own.connect();
  const grown = new Promise<string>((resolve) =>
    client.connection.onNotification(grownNotification, ({ itemId }) => resolve(itemId)),
  );
  const editor = await open(client, beginsBlock, 'javascript', 'block.js');
  const first = await editor.complete();
  expect(first).toMatchObject({ items: [{ insertText: '\n  const total = sum(list);' }] });
  const itemId = first.kind === 'items' ? first.items[0]?.command?.arguments?.[0] : undefined;
  expect(await grown).toBe(itemId);
  const { modelCalls } = await client.statistics();
  const whole = await editor.complete();
  expect(whole).toMatchObject({ items: [{ insertText: block, command: { arguments: [itemId] } }] });
  expect((await client.statistics()).modelCalls).toBe(modelCalls);
});

test('who takes the first line of a block before the rest is written gets the rest, by the same work', async () => {
  await using client = await own.connect();
  const editor = await open(client, beginsBlock, 'javascript', 'taken.js');
  const before = await client.statistics();
  const first = await editor.offered();
  expect(first).toBe('\n  const total = sum(list);');
  await editor.type(first ?? '');
  expect(await editor.offered()).toBe('\n  return total / list.length;\n}');
  expect((await client.statistics()).modelCalls - before.modelCalls).toBe(1);
});

test('a cursor that rests where a block is written lets it be; one that rests elsewhere has the model made ready there', async () => {
  await using client = await own.connect();
  const grown: string[] = [];
  client.connection.onNotification(grownNotification, ({ itemId }) => void grown.push(itemId));
  const lines = Array.from({ length: 40 }, (_, i) => `const value${i} = ${i};\n`).join('');
  const elsewhere = await open(client, `${lines}${javascript}`, 'javascript', 'elsewhere.js');
  const here = await open(client, beginsBlock, 'javascript', 'rest-here.js');
  await here.offered();
  await here.rest();
  await expect.poll(() => grown.length).toBe(1);

  const there = await open(client, beginsBlock, 'javascript', 'rest-there.js');
  await there.offered();
  const before = await client.statistics();
  await elsewhere.rest();
  const evaluated = async () => (await client.statistics()).evaluatedTokens - before.evaluatedTokens;
  await expect.poll(evaluated, { timeout: 20_000 }).toBeGreaterThan(150);
  expect(grown.length).toBe(1);
  await elsewhere.offered();
  expect((await client.lastTrace())?.evaluatedTokens).toBeLessThan(5);
});

test('while a suggestion is shown the model writes what follows it, so that taking it costs no wait', async () => {
  await using client = await own.connect();
  // The first generation of a process is slow, and a model that seems slow is not asked ahead.
  await (await open(client, javascript, 'javascript', 'first.js')).offered();
  const editor = await open(client, 'const numbers = [\n  "one",\n  "two",\n  "three",\n  "fo‸');
  const ahead = async () => (await client.statistics()).aheadDecodedTokens;
  const before = await ahead();
  const first = await editor.offered();
  await expect.poll(ahead, { timeout: 20_000 }).toBeGreaterThan(before);
  const { modelCalls } = await client.statistics();
  await editor.type(first ?? '');
  expect(await editor.offered()).toBe('\n  "five",');
  expect((await client.lastTrace())?.source).not.toBe('model');
  expect((await client.statistics()).modelCalls).toBe(modelCalls);
});

test('a prompt is evaluated once: the next keystroke reuses it', async () => {
  await using client = await own.connect();
  const editor = await open(client, javascript);
  await editor.offered();
  await editor.type('zq');
  await editor.offered();
  const trace = await client.lastTrace();
  expect(trace?.source).toBe('model');
  expect(trace?.evaluatedTokens).toBeLessThanOrEqual(4);
  expect(trace?.reusedTokens).toBeGreaterThan(20);
});

test('a withdrawn request stops the model within one step', async () => {
  await using client = await own.connect();
  await (await open(client, javascript, 'javascript', 'first.js')).offered();
  const editor = await open(client, `// Counting.\n${'let counter = 0;\n'.repeat(60)}‸`);
  const controller = new AbortController();
  const answer = client.complete(editor.document, editor.document.text().length, { signal: controller.signal });
  setTimeout(() => controller.abort(), 400);
  expect(await answer).not.toMatchObject({ items: [{}] });
  await expect.poll(async () => (await client.statistics()).lastCancel).toBeDefined();
  const { lastCancel } = await client.statistics();
  expect(lastCancel?.prefillTokens).toBeLessThanOrEqual(64);
  // A step is a token and at most three more that were drafted from the lines above.
  expect(lastCancel?.decodeTokens).toBeLessThanOrEqual(4);
});

test.each([
  ['CRLF', javascript.replaceAll('\n', '\r\n').replace('‸', 'return JSON.pa‸')],
  ['tabs', javascript.replaceAll('  ', '\t').replace('‸', 'return JSON.pa‸')],
  ['an emoji before the cursor', javascript.replace('‸', "console.log('😀🚀'); return JSON.pa‸")],
  ['combining characters', javascript.replace('‸', 'const cafe\u0301 = 1; return JSON.pa‸')],
])('positions are UTF-16 units and lines keep their ends: %s', async (_, marked) => {
  await using client = await own.connect();
  const editor = await open(client, marked);
  expect(await editor.offered()).toMatch(/^rse/);
});

test('a file of 10 MB is completed, and a keystroke in it is not slow', async () => {
  await using client = await own.connect();
  const line = 'export function add(first, second) { return first + second; }\n';
  const editor = await open(client, `${line.repeat(Math.ceil(10_000_000 / line.length))}export function sub‸`);
  expect((await editor.offered())?.length).toBeGreaterThan(0);
  await editor.type('t');
  await editor.offered();
  const trace = await client.lastTrace();
  const model = (trace?.stagesMs.prefill ?? 0) + (trace?.stagesMs.decode ?? 0) + (trace?.stagesMs.queue ?? 0);
  expect((trace?.stagesMs.total ?? 0) - model).toBeLessThan(250);
});

test('every silence has its reason', async () => {
  await using client = await own.connect();
  const reasonFor = async (marked: string, name: string) => {
    const editor = await open(client, marked, 'javascript', name);
    await editor.complete();
    return (await client.lastTrace(editor.document.uri))?.reason;
  };
  expect(await reasonFor('const to‸tal = 1;', 'word.js')).toBe('midWord');
  expect(await reasonFor('KEY=‸', '.env')).toBe('excluded');
  expect(await reasonFor(`const a = "${'x'.repeat(3000)}";‸`, 'minified.js')).toBe('lineTooLong');
});

test('several cursors, an untitled document and a notebook cell are completed alike', async () => {
  await using client = await own.connect();
  for (const uri of ['untitled:Untitled-1', 'vscode-notebook-cell:/w/n.ipynb#W0']) {
    const { text, offset } = atCursor(javascript.replace('‸', 'return JSON.pa‸'));
    const document = await client.open({ uri, languageId: 'javascript', text });
    const answer = await client.complete(document, offset);
    expect(answer).toMatchObject({ kind: 'items', items: [{ insertText: expect.stringMatching(/^rse/) }] });
  }
  const twice = await open(client, 'const a = JSON.‸;\nconst b = JSON.;\n', 'javascript', 'twice.js');
  const second = twice.document.text().indexOf('.;\nc') + 1;
  await twice.document.editAll([
    { offset: second, deleted: 0, inserted: 'pa' },
    { offset: twice.document.text().lastIndexOf('.;') + 3, deleted: 0, inserted: 'pa' },
  ]);
  const answer = await client.complete(twice.document, second + 2);
  expect(answer.kind).toBe('items');
});

test('the words of another open file are in the prompt, and those of an excluded one never', async () => {
  await using client = await own.connect({ workspaceFolders: [{ uri: 'file:///w', name: 'shop' }] });
  const other = await client.open({
    uri: 'file:///w/lib/other.js',
    languageId: 'javascript',
    text: 'export function markedHelper() {}\n',
  });
  const secret = await client.open({ uri: 'file:///w/.env', languageId: 'javascript', text: 'secretHelper = 1\n' });
  await client.openTabs([other.uri, secret.uri]);
  const editor = await open(client, 'import { ‸', 'javascript', 'src/main.js');
  await editor.complete();
  const trace = await client.lastTrace(editor.document.uri);
  expect(trace?.prompt).toContain('markedHelper');
  expect(trace?.prompt).toContain('lib/other.js');
  expect(trace?.prompt).not.toContain('secretHelper');
  expect(trace?.prompt).not.toContain('/w/');
});
