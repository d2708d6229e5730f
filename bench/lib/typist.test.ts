import { describe, expect, it } from 'vitest';
import { createStage, isKeystroke, startText } from './trace.ts';
import { type Plan, typeParts } from './typist.ts';

const javascript = `const limit = 10;

function add(items, item) {
  if (items.length >= limit) {
    throw new Error('full');
  }

  items.push(item);
  return items.map((each) => [each]);
}
`;
const python = `def total(rows):
    sums = {}

    for row in rows:
        sums[row.key] = f"{row.name}: {max(row.values)}"
    return sums
`;

const plan: Plan = {
  seed: 7,
  files: [
    { path: 'a.js', languageId: 'javascript', text: javascript },
    { path: 'b.py', languageId: 'python', text: python },
  ],
  parts: [
    { path: 'a.js', lines: [4, 9] },
    { path: 'b.py', lines: [2, 5] },
    { path: 'a.js', line: 3, text: ', item' },
  ],
};

const files = new Map(plan.files.map(({ path, text }) => [path, text]));

describe('the typist', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("ends with the author's files, whatever it mistyped (seed %i)", (seed) => {
    const stage = createStage(files);
    for (const event of typeParts({ ...plan, seed })) stage.apply(event);
    expect(stage.texts).toEqual(files);
  });

  it('does the same again from the same seed, and something else from another', () => {
    expect(typeParts(plan)).toEqual(typeParts(plan));
    expect(typeParts(plan)).not.toEqual(typeParts({ ...plan, seed: 8 }));
  });

  it('starts from a file in which the parts are missing', () => {
    const [first] = typeParts(plan);
    const open = first?.type === 'open' ? first : undefined;
    expect(startText(javascript, open?.cuts ?? [])).toBe('const limit = 10;\n\nfunction add(items) {\n}\n');
  });

  it('closes brackets as the editor does, types over them, and leaves a block by an arrow key', () => {
    const events = typeParts(plan);
    expect(events).toContainEqual(expect.objectContaining({ type: 'insert', text: '(', after: ')' }));
    expect(events).toContainEqual(expect.objectContaining({ type: 'insert', text: ')', over: 1 }));
    expect(events).toContainEqual(expect.objectContaining({ type: 'insert', text: '\n    ', after: '\n  ' }));
    expect(events.filter(({ type }) => type === 'move')).toHaveLength(1);
  });

  it('corrects about one letter in twenty, and never faster than a hand', () => {
    const keys = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((seed) => typeParts({ ...plan, seed })).filter(isKeystroke);
    const corrections = keys.filter(({ type }) => type === 'delete').length;
    expect(corrections / keys.length).toBeGreaterThan(0.02);
    expect(corrections / keys.length).toBeLessThan(0.2);
    expect(Math.min(...keys.map(({ gapMs }) => gapMs))).toBeGreaterThan(20);
  });
});
