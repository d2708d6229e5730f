import { expect, test } from 'vitest';
import { connectTo } from '../lib/client.ts';
import { startServer } from '../lib/server.ts';
import { atCursor, javascript, ownServer } from '../processes/setup.ts';

const words = [
  'const ',
  'value',
  ' = ',
  'items',
  '.map(',
  '(item)',
  ' => ',
  'item',
  '.name',
  ');\n',
  'return ',
  'value',
  ';\n',
];

test('5,000 requests do not make the server grow', async () => {
  await using own = await ownServer();
  await using client = await own.connect();
  const { text, offset } = atCursor(javascript);
  const document = await client.open({ uri: 'file:///w/a.js', languageId: 'javascript', text });
  let cursor = offset;
  let settledBytes = 0;
  for (let i = 0; i < 5_500; i++) {
    const word = words[i % words.length] ?? '';
    await document.edit(cursor, 0, word);
    cursor += word.length;
    const controller = new AbortController();
    const answer = client.complete(document, cursor, { signal: controller.signal });
    // Most are withdrawn, as fast typing does; every tenth is awaited.
    if (i % 10 !== 0) controller.abort();
    await answer;
    if (cursor - offset > 4_000) {
      await document.edit(offset, cursor - offset, '');
      cursor = offset;
    }
    if (i === 500) settledBytes = (await client.statistics()).rssBytes;
  }
  const grownMiB = ((await client.statistics()).rssBytes - settledBytes) / 2 ** 20;
  console.log(`RSS grew by ${grownMiB.toFixed(1)} MiB over 5,000 requests`);
  expect(grownMiB).toBeLessThan(20);
}, 1_200_000);

test('a server that is killed forty times in mid request comes back each time', async () => {
  await using own = await ownServer();
  const { text, offset } = atCursor(javascript);
  let server = own.server;
  for (let round = 0; round < 40; round++) {
    const client = await connectTo(server);
    const document = await client.open({ uri: 'file:///w/a.js', languageId: 'javascript', text });
    const answer = client.complete(document, offset).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, (round * 53) % 900));
    server.kill('SIGKILL');
    await server.exited();
    client.connection.dispose();
    await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 100))]);
    server = await startServer({ home: own.home });
  }
  await using last = await connectTo(server);
  const document = await last.open({ uri: 'file:///w/a.js', languageId: 'javascript', text });
  expect(await last.complete(document, offset)).toMatchObject({ items: [{}] });
  await server[Symbol.asyncDispose]();
}, 600_000);
