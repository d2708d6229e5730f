import { describe, expect, test } from 'vitest';
import { type Signal, signalSchema } from '#protocol/signals.ts';
import { createObserver, type Settled, usualChecksMs } from './observer.ts';

/** A document and a clock that a test drives; offsets are found by the text that stands there. */
function developer(initial: string) {
  const uri = 'file:///w/a.ts';
  let text = initial;
  let version = 1;
  let now = 0;
  const timers = new Set<{ readonly atMs: number; readonly call: () => void }>();
  const settled: (Settled & { readonly span: string })[] = [];
  const observer = createObserver({
    text: (asked) => (asked === uri ? text : undefined),
    version: (asked) => (asked === uri ? version : undefined),
    settled: (each) => settled.push({ ...each, span: text.slice(each.start, each.end) }),
    after(ms, call) {
      const timer = { atMs: now + ms, call };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    checksMs: usualChecksMs,
  });
  const edit = (offset: number, length: number, inserted: string): void => {
    text = text.slice(0, offset) + inserted + text.slice(offset + length);
    observer.edited(uri, [{ offset, length, text: inserted }], ++version);
  };
  return {
    settled,
    observer,
    uri,
    text: () => text,
    insert(before: string, inserted: string) {
      edit(text.indexOf(before) + before.length, 0, inserted);
    },
    replace(old: string, by: string) {
      edit(text.indexOf(old), old.length, by);
    },
    tell(signal: Signal extends infer S ? (S extends Signal ? Omit<S, 'uri' | 'version'> : never) : never) {
      observer.signal(signalSchema.parse({ uri, version, ...signal }));
    },
    tellEarly(signal: Signal extends infer S ? (S extends Signal ? Omit<S, 'uri' | 'version'> : never) : never) {
      observer.signal(signalSchema.parse({ uri, version: version + 1, ...signal }));
    },
    pass(seconds: number) {
      const until = now + seconds * 1000;
      for (;;) {
        const due = [...timers].filter(({ atMs }) => atMs <= until).sort((a, b) => a.atMs - b.atMs)[0];
        if (due === undefined) break;
        timers.delete(due);
        now = due.atMs;
        due.call();
      }
      now = until;
    },
  };
}

describe('what becomes of a suggestion', () => {
  test('taken as a whole and left alone, it is accepted after ten minutes', () => {
    const dev = developer('const a = ;\n');
    dev.insert('const a = ', 'sum(prices)');
    dev.tell({ kind: 'accepted', itemId: '1', text: 'sum(prices)' });
    dev.pass(599);
    expect(dev.settled).toEqual([]);
    dev.insert(';\n', 'const b = 2;\n');
    dev.pass(2);
    expect(dev.settled).toMatchObject([{ kind: 'accepted', span: 'sum(prices)' }]);
  });

  test('changed within ten minutes, it is corrected, and known at the next check', () => {
    const dev = developer('const a = ;\n');
    dev.insert('const a = ', 'sum(prices)');
    dev.tell({ kind: 'accepted', itemId: '1', text: 'sum(prices)' });
    dev.pass(20);
    dev.replace('prices', 'prices.net');
    dev.pass(15);
    expect(dev.settled).toEqual([]);
    dev.pass(90);
    expect(dev.settled).toMatchObject([{ kind: 'corrected', span: 'sum(prices.net)' }]);
  });

  test('formatted, it is not corrected', () => {
    const dev = developer('if (a) ;\n');
    dev.insert('if (a) ', 'run({a:1})');
    dev.tell({ kind: 'accepted', itemId: '1', text: 'run({a:1})' });
    dev.replace('{a:1}', '{ a: 1 }');
    dev.pass(601);
    expect(dev.settled).toMatchObject([{ kind: 'accepted', span: 'run({ a: 1 })' }]);
  });

  test('taken in part, it is partial; the rest taken too, it is accepted', () => {
    const dev = developer('a = \nb = \n');
    dev.insert('a = ', 'first ');
    dev.tell({ kind: 'acceptedPart', itemId: '1', unit: 'word', text: 'first ', offset: 0 });
    dev.insert('b = ', 'one ');
    dev.tell({ kind: 'acceptedPart', itemId: '2', unit: 'word', text: 'one ', offset: 0 });
    dev.insert('one ', 'two');
    dev.tell({ kind: 'accepted', itemId: '2', text: 'two' });
    dev.pass(601);
    expect(dev.settled).toMatchObject([
      { kind: 'partial', span: 'first ' },
      { kind: 'accepted', span: 'one two' },
    ]);
  });

  test('contradicted, what was typed in its place is the example', () => {
    const dev = developer('return ;\n');
    dev.insert('return ', 't');
    dev.tell({ kind: 'rejected', itemId: '1', how: 'typedInstead', text: 't' });
    for (const [before, letter] of [
      ['return t', 'a'],
      ['return ta', 'x'],
    ] as const)
      dev.insert(before, letter);
    dev.pass(601);
    expect(dev.settled).toMatchObject([{ kind: 'typedInstead', span: 'tax' }]);
  });

  test('undone, what the developer writes there is the example', () => {
    const dev = developer('return ;\n');
    dev.insert('return ', 'total');
    dev.tell({ kind: 'accepted', itemId: '1', text: 'total' });
    dev.replace('total', '');
    dev.tell({ kind: 'undone', itemId: '1' });
    dev.insert('return ', 'net');
    dev.pass(601);
    expect(dev.settled).toMatchObject([{ kind: 'undone', span: 'net' }]);
  });

  test('told before its edit, as the editor does, it is the same', () => {
    const dev = developer('return ;\na = ;\n');
    dev.tellEarly({ kind: 'rejected', itemId: '1', how: 'typedInstead', text: 't' });
    dev.insert('return ', 't');
    dev.insert('return t', 'ax');
    dev.tellEarly({ kind: 'acceptedPart', itemId: '2', unit: 'word', text: 'sum', offset: 0 });
    dev.insert('a = ', 'sum');
    dev.insert('a = sum', '(b)');
    dev.tell({ kind: 'accepted', itemId: '3', text: '(b)' });
    dev.tellEarly({ kind: 'undone', itemId: '3' });
    dev.replace('(b)', '');
    dev.pass(601);
    expect(dev.settled.map(({ kind, span }) => [kind, span])).toEqual(
      expect.arrayContaining([
        ['typedInstead', 'tax'],
        ['partial', 'sum'],
        ['undone', ''],
      ]),
    );
  });

  test('dismissed or left, it says nothing', () => {
    const dev = developer('return ;\n');
    dev.tell({ kind: 'shown', itemId: '1' });
    dev.tell({ kind: 'rejected', itemId: '1', how: 'escape', text: '' });
    dev.tell({ kind: 'rejected', itemId: '2', how: 'movedAway', text: '' });
    dev.pass(601);
    expect(dev.settled).toEqual([]);
  });

  test('a closed document settles what is open in it', () => {
    const dev = developer('const a = ;\n');
    dev.insert('const a = ', 'sum(prices)');
    dev.tell({ kind: 'accepted', itemId: '1', text: 'sum(prices)' });
    dev.replace('sum', 'total');
    dev.observer.closing(dev.uri);
    expect(dev.settled).toMatchObject([{ kind: 'corrected', span: 'total(prices)' }]);
    dev.pass(601);
    expect(dev.settled).toHaveLength(1);
  });

  test('edits before it move it', () => {
    const dev = developer('import a;\nconst a = ;\n');
    dev.insert('const a = ', 'sum(prices)');
    dev.tell({ kind: 'accepted', itemId: '1', text: 'sum(prices)' });
    dev.replace('import a;', "import { a } from './a';");
    dev.pass(601);
    expect(dev.settled).toMatchObject([{ kind: 'accepted', span: 'sum(prices)' }]);
  });

  test('the item replaced the line before it: what came in is the end of the edit', () => {
    const dev = developer('  retur\n');
    dev.replace('  retur', '  return total;');
    dev.tell({ kind: 'accepted', itemId: '1', text: 'n total;' });
    dev.pass(601);
    expect(dev.settled).toMatchObject([{ kind: 'accepted', span: 'n total;' }]);
  });
});

test('a flood of suggestions is followed within bounds', () => {
  const dev = developer('x\n');
  for (let i = 0; i < 150; i++) {
    dev.insert('x', `a${i}`);
    dev.tell({ kind: 'accepted', itemId: String(i), text: `a${i}` });
  }
  expect(dev.settled).toHaveLength(50);
});
