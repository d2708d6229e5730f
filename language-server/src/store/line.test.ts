import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeLine, deletedLine, encodeLine, readLines } from './line.ts';

const values = [{ text: 'const a = 1;\n' }, { text: 'naïve 🚀' }, { text: 'x'.repeat(300), list: [1, 2, 3] }];
const texts = (bytes: Buffer) => readLines(bytes).lines.map(({ json }) => JSON.parse(json));

test('a line is read as it was written', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), (written) => {
      const { lines, damaged, repaired, end } = readLines(Buffer.concat(written.map(encodeLine)));
      expect(lines.map(({ json }) => json)).toEqual(written.map((each) => JSON.stringify(each)));
      expect([damaged.length, repaired.length]).toEqual([0, 0]);
      expect(end).toBe(lines.reduce((sum, { length }) => sum + length, 0));
    }),
  );
});

describe('one wrong byte loses nothing', () => {
  const deleted = deletedLine(encodeLine({ gone: 'a line that was deleted' }).length);
  const whole = Buffer.concat([encodeLine(values[0]), deleted, encodeLine(values[1]), encodeLine(values[2])]);
  test.each(['a random value', 'a line feed', 'a blank', 'one bit'])('wherever it is: %s', (how) => {
    for (let at = 0; at < whole.length; at++) {
      const bytes = Buffer.from(whole);
      const was = bytes[at] ?? 0;
      const wrong = { 'a line feed': 0x0a, 'a blank': 0x20, 'one bit': was ^ (1 << (at % 8)) }[how];
      bytes[at] = wrong ?? (was + 1 + ((at * 37) % 254)) % 256;
      expect(texts(bytes), `byte ${at}`).toEqual(values);
      for (const { offset, bytes: right } of readLines(bytes).repaired) right.copy(bytes, offset);
      expect(readLines(bytes).repaired, `byte ${at}`).toEqual([]);
    }
  });
});

test('many wrong bytes lose their line only', () => {
  const lines = values.map(encodeLine);
  const bytes = Buffer.concat(lines);
  bytes.fill('#', (lines[0]?.length ?? 0) + 12, (lines[0]?.length ?? 0) + 20);
  expect(texts(bytes)).toEqual([values[0], values[2]]);
  expect(readLines(bytes).damaged).toEqual([{ offset: lines[0]?.length, length: lines[1]?.length }]);
});

test('a line that was not finished ends the file before it', () => {
  const first = encodeLine(values[0]);
  const second = encodeLine(values[1]);
  for (let length = 1; length < second.length - 1; length++) {
    const { lines, end } = readLines(Buffer.concat([first, second.subarray(0, length)]));
    expect([lines.length, end]).toEqual([1, first.length]);
  }
});

test('a deleted line holds nothing of what it held', () => {
  const line = encodeLine(values[0]);
  const gone = deletedLine(line.length);
  expect(gone.toString()).toMatch(/^- +\n$/);
  expect(decodeLine(gone)).toBeUndefined();
});
