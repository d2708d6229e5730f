import { expect, test } from 'vitest';
import { contentHashOf, repositoryId } from './example.ts';

test('blank lines and blanks at the ends of lines make no other example', () => {
  expect(contentHashOf('a = 1  \n\nb = 2\n', 0, 7)).toBe(contentHashOf('a = 1\nb = 2\n', 0, 5));
});

test('another span, or other code, is another example', () => {
  const hash = contentHashOf('a = 1\nb = 2\n', 0, 5);
  expect(contentHashOf('a = 1\nb = 2\n', 6, 11)).not.toBe(hash);
  expect(contentHashOf('  a = 1\nb = 2\n', 2, 7)).not.toBe(hash);
});

test('a repository keeps its id whatever ends its address, and is told from one of the same name', () => {
  const shop = repositoryId({ uri: 'file:///home/ada/shop', name: 'shop' });
  expect(shop).toMatch(/^shop#[0-9a-f]{8}$/);
  expect(repositoryId({ uri: 'file:///home/ada/shop/', name: 'shop' })).toBe(shop);
  expect(repositoryId({ uri: 'file:///home/ada/old/shop', name: 'shop' })).not.toBe(shop);
});
