import { expect, test } from 'vitest';
import type { DefinitionsParams } from '#protocol/definitions.ts';
import { createDefinitionFiles } from './definitionFiles.ts';
import { openDocument } from './documents.ts';
import { placeAt } from './place.ts';

const text = "import { readHeader } from '@lib/a';\n\nreadHeader(";
const document = openDocument({ uri: 'file:///w/app.ts', languageId: 'typescript', version: 1, text }, []);
const place = placeAt(document, { line: 2, character: 11 });

function setUp(answer: readonly string[] | Error) {
  const asked: DefinitionsParams[] = [];
  let time = 0;
  const files = createDefinitionFiles(
    async (params) => {
      asked.push(params);
      if (answer instanceof Error) throw answer;
      return answer;
    },
    () => time,
  );
  return {
    asked,
    pass: (ms: number) => {
      time += ms;
    },
    forget: () => files.forget(document.text.uri),
    async of() {
      const found = files.of(document, place);
      await new Promise((resolve) => setImmediate(resolve));
      return found;
    },
  };
}

test('a name is asked for once, at its import, and known the next time', async () => {
  const { asked, of } = setUp(['file:///w/lib/a.ts', 'file:///w/app.ts']);
  expect(await of()).toEqual([]);
  expect(await of()).toEqual(['file:///w/lib/a.ts']);
  expect(asked).toEqual([{ uri: 'file:///w/app.ts', positions: [{ line: 0, character: 9 }] }]);
});

test('what the editor did not know is asked again later, also after a failure', async () => {
  for (const answer of [[], new Error('no such request')]) {
    const { asked, of, pass } = setUp(answer);
    await of();
    await of();
    expect(asked).toHaveLength(1);
    pass(11_000);
    expect(await of()).toEqual([]);
    expect(asked).toHaveLength(2);
  }
});

test('a closed document is forgotten', async () => {
  const { of, forget } = setUp(['file:///w/lib/a.ts']);
  await of();
  forget();
  expect(await of()).toEqual([]);
});
