import { expect, test } from 'vitest';
import { realEngine } from '../lib/learning.ts';
import { modelPath } from './setup.ts';

test('a typed word is spelled by the token that it has, though the model finds a shorter one as likely', async () => {
  await using engine = await realEngine(modelPath());
  const before =
    "// colours.js\nconst red = 'red';\nconst green = 'green';\nconst blue = 'blue';\nconst orange = 'orange';\n\nconst";
  const request = { tokens: engine.tokenize(before), required: ' purple', maxTokens: 8 };
  const onText = (text: string) => text.startsWith(' purple');
  const spelled = await engine.generate({ ...request, onText }, new AbortController().signal);
  expect(spelled).toMatchObject({ text: ' purple', decodedTokens: 1 });
  // No token is “getElementZ”: it is spelled by several.
  const rare = await engine.generate(
    { ...request, required: ' getElementZ', onText: (text) => text.startsWith(' getElementZ') },
    new AbortController().signal,
  );
  expect(rare.text.startsWith(' getElementZ')).toBe(true);
});
