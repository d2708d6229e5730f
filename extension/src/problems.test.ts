import { expect, it } from 'vitest';
import { type Complaint, createProblems } from './problems.ts';

it('tells each problem once, and another message of the same kind again', () => {
  const shown: Complaint[] = [];
  const { tell, forget } = createProblems((complaint) => shown.push(complaint));
  const noModel = { code: 'noModel', message: 'No model is installed.' } as const;
  tell(noModel);
  tell(undefined);
  tell({ ...noModel });
  tell({ code: 'modelTruncated', message: 'a.gguf is cut off.' });
  tell({ code: 'modelTruncated', message: 'b.gguf is cut off.' });
  tell(noModel);
  expect(shown.map((each) => each.message)).toEqual([
    'No model is installed.',
    'a.gguf is cut off.',
    'b.gguf is cut off.',
  ]);
  forget();
  tell(noModel);
  expect(shown).toHaveLength(4);
});
