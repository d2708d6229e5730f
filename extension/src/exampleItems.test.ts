import { expect, test } from 'vitest';
import { exampleDocument, exampleRow, filterText, repositoryName, viewMessage } from './exampleItems.ts';

const summary = {
  id: '1',
  kind: 'corrected',
  repository: 'shop#0a1b2c3d',
  path: 'src/a.js',
  languageId: 'javascript',
  createdAtMs: 0,
  firstLine: 'return net;',
} as const;
const none = { accepted: 0, partial: 0, corrected: 0, typedInstead: 0, undone: 0, ownHistory: 0 };

test('a row says what, how, where and when, also to a screen reader', () => {
  expect(exampleRow(summary, () => '1 January')).toEqual({
    label: 'return net;',
    description: 'Corrected · src/a.js · 1 January',
    spoken: 'return net;, Corrected, src/a.js, 1 January',
    icon: 'edit',
  });
  expect(exampleRow({ ...summary, firstLine: '' }, () => '').label).toBe('(nothing was kept)');
});

test('a folder is named as the developer knows it', () => {
  expect(repositoryName('shop#0a1b2c3d')).toBe('shop');
});

test('the message says what is shown, and why nothing is', () => {
  const empty = { total: 0, byKind: none, byRepository: {} };
  expect(viewMessage(empty, {})).toMatch(/no examples yet/);
  expect(viewMessage({ ...empty, off: 'Learning is off.' }, {})).toMatch(/^Learning is off\. Argot has no/);
  expect(viewMessage({ ...empty, total: 3, damage: 'One was damaged.' }, {})).toBe('One was damaged.');
  expect(viewMessage({ ...empty, total: 3 }, { search: 'net' })).toBe('Shown: with “net”.');
  expect(filterText({ kinds: ['corrected', 'undone'], repositories: ['shop#0a1b2c3d'] })).toBe(
    'corrected or taken back, in shop',
  );
});

test('a document shows the example, and a fence in it does not end it', () => {
  const text = 'const a = 1;\nreturn net; // ```\n';
  const details = { summary, text, spanStart: 13, spanEnd: 24, weight: 3, adapterIds: ['personal-7'] };
  const document = exampleDocument(details);
  expect(document).toContain('# Corrected: src/a.js');
  expect(document).toContain('- Used by: personal-7');
  expect(document).toContain('```javascript\nreturn net;\n```');
  expect(document).toContain('````javascript\nconst a = 1;\nreturn net; // ```\n````');
  expect(exampleDocument(null)).toMatch(/not there any more/);
});
