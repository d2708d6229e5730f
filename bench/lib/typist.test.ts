import { describe, expect, it } from 'vitest';
import { editOf, isKeystroke, startText, type TraceEvent } from './trace.ts';
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

/** Plays the events as an editor would, and returns the files and each text that the cursor saw on the way. */
function play(events: readonly TraceEvent[]): Map<string, string> {
  const originals = new Map(plan.files.map(({ path, text }) => [path, text]));
  const texts = new Map<string, string>();
  let [path, cursor] = ['', 0];
  for (const event of events) {
    if (event.type === 'open') texts.set(event.path, startText(originals.get(event.path) ?? '', event.cuts));
    else if (event.type === 'jump') [path, cursor] = [event.path, event.offset];
    else if (event.type === 'move') cursor = event.offset;
    else {
      const text = texts.get(path) ?? '';
      const edit = editOf(event, cursor);
      texts.set(path, text.slice(0, edit.offset) + edit.inserted + text.slice(edit.offset + edit.deleted));
      cursor = edit.cursor;
    }
  }
  return texts;
}

describe('the typist', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("ends with the author's files, whatever it mistyped (seed %i)", (seed) => {
    const texts = play(typeParts({ ...plan, seed }));
    expect(texts.get('a.js')).toBe(javascript);
    expect(texts.get('b.py')).toBe(python);
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
