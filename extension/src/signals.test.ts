import { describe, expect, it } from 'vitest';
import type { Signal } from '#protocol/signals.ts';
import type { Change } from './offer.ts';
import { type Event, initialState, type State, step, type Unit } from './signals.ts';

/** A document with one cursor, told to the state machine as VS Code tells it: the change, then the cursor. */
class Story {
  text: string;
  cursor: number;
  version = 1;
  state: State = initialState;
  readonly signals: Signal[] = [];
  readonly history: { text: string; cursor: number }[] = [];

  constructor(marked: string) {
    this.cursor = marked.indexOf('|');
    this.text = marked.replace('|', '');
  }

  tell(event: Event): this {
    const next = step(this.state, event);
    this.state = next.state;
    this.signals.push(...next.signals);
    return this;
  }

  /** The server's item inserts `insertText` at the cursor, over the next `covered` characters. */
  offer(insertText: string, { id = 'one', covered = 0 } = {}): this {
    const lineStart = this.text.lastIndexOf('\n', this.cursor - 1) + 1;
    return this.tell({
      kind: 'offered',
      offer: {
        itemId: id,
        uri: 'file:///a.js',
        version: this.version,
        insertText,
        lineStart,
        linePrefix: this.text.slice(lineStart, this.cursor),
        covered: this.text.slice(this.cursor, this.cursor + covered),
        cursor: this.cursor,
        lineEnd: this.text.includes('\r\n') ? '\r\n' : '\n',
      },
    });
  }

  edit(change: Change, cursor: number, cause: 'edit' | 'undo' | 'redo' = 'edit'): this {
    this.history.push({ text: this.text, cursor: this.cursor });
    this.text = this.text.slice(0, change.offset) + change.text + this.text.slice(change.offset + change.length);
    this.cursor = cursor;
    this.version++;
    this.tell({ kind: 'changed', uri: 'file:///a.js', version: this.version, cause, changes: [change] });
    return this.tell({ kind: 'moved', uri: 'file:///a.js', cursors: [cursor] });
  }

  insert(text: string): this {
    return this.edit({ offset: this.cursor, length: 0, text }, this.cursor + text.length);
  }

  type(text: string): this {
    for (const letter of text) this.insert(letter);
    return this;
  }

  backspace(): this {
    return this.edit({ offset: this.cursor - 1, length: 1, text: '' }, this.cursor - 1);
  }

  tab(text: string, id = 'one'): this {
    return this.insert(text).tell({ kind: 'acceptCommand', itemId: id });
  }

  take(unit: Unit, text: string): this {
    return this.tell({ kind: 'taking', unit }).insert(text).tell({ kind: 'taken' });
  }

  /** Takes back the last edit. */
  undo(): this {
    const before = this.history.at(-1);
    if (before === undefined) throw new Error('nothing to undo');
    const added = this.text.length - before.text.length;
    return this.edit({ offset: before.cursor, length: added, text: '' }, before.cursor, 'undo');
  }

  told(): string[] {
    return this.signals.map(words);
  }
}

function words(signal: Signal): string {
  switch (signal.kind) {
    case 'shown':
    case 'undone':
      return `${signal.kind} ${signal.itemId}`;
    case 'accepted':
      return `accepted ${JSON.stringify(signal.text)}`;
    case 'acceptedPart':
      return `${signal.unit} ${JSON.stringify(signal.text)} at ${signal.offset}`;
    case 'typedThrough':
      return `typed ${JSON.stringify(signal.text)} at ${signal.offset}`;
    case 'rejected':
      return `rejected by ${signal.how} ${JSON.stringify(signal.text)}`;
  }
}

function story(marked: string): Story {
  return new Story(marked);
}

describe('taking a suggestion', () => {
  it('tells an accepted one from its command, once', () => {
    expect(story('const a = |\n').offer('compute(1);').tab('compute(1);').told()).toEqual([
      'shown one',
      'accepted "compute(1);"',
    ]);
  });

  it('tells words, then the rest', () => {
    expect(story('return |').offer('a + b').take('word', 'a').take('word', ' +').tab(' b').told()).toEqual([
      'shown one',
      'word "a" at 0',
      'word " +" at 1',
      'accepted " b"',
    ]);
  });

  it('tells the last word as a word although VS Code then runs the accept command', () => {
    const told = story('return |')
      .offer('a b')
      .take('word', 'a')
      .tell({ kind: 'taking', unit: 'word' })
      .insert(' b')
      .tell({ kind: 'acceptCommand', itemId: 'one' })
      .tell({ kind: 'taken' })
      .told();
    expect(told).toEqual(['shown one', 'word "a" at 0', 'word " b" at 1']);
  });

  it('tells lines of a block', () => {
    expect(story('if (a) {|').offer('\n  b();\n}').take('line', '\n  b();').told()).toEqual([
      'shown one',
      'line "\\n  b();" at 0',
    ]);
  });

  it('takes an item of which the first line was offered first for one', () => {
    const begun = () => story('if (a) {|').offer('\n  b();');
    expect(begun().offer('\n  b();\n}').tab('\n  b();\n}').told()).toEqual(['shown one', 'accepted "\\n  b();\\n}"']);
    expect(begun().type('\n').offer('  b();\n}').tab('  b();\n}').told()).toEqual([
      'shown one',
      'typed "\\n" at 0',
      'accepted "  b();\\n}"',
    ]);
    expect(begun().offer('\n  b();\n}').take('line', '\n  b();').type('x').told()).toEqual([
      'shown one',
      'line "\\n  b();" at 0',
      'rejected by typedInstead "x"',
    ]);
  });

  it('recognises a word and a line that another keybinding took', () => {
    expect(story('return |').offer('first + second').insert('first').told().at(-1)).toBe('word "first" at 0');
    expect(story('{|').offer('\n  b();\n}').insert('\n  b();').told().at(-1)).toBe('line "\\n  b();" at 0');
  });

  it('accepts what replaces the text behind the cursor', () => {
    const accepted = story('f(|)').offer('a, b)', { covered: 1 });
    accepted.edit({ offset: 2, length: 1, text: 'a, b)' }, 7).tell({ kind: 'acceptCommand', itemId: 'one' });
    expect(accepted.told()).toEqual(['shown one', 'accepted "a, b)"']);
  });

  it('accepts an edit that VS Code made minimal', () => {
    const accepted = story('f(|)').offer('a, b)', { covered: 1 });
    accepted.edit({ offset: 2, length: 0, text: 'a, b' }, 7).tell({ kind: 'acceptCommand', itemId: 'one' });
    expect(accepted.told()).toEqual(['shown one', 'accepted "a, b)"']);
  });

  it('speaks of CRLF documents in the line ends of the item', () => {
    expect(story('{|\r\n').offer('\n  b();\n}').take('line', '\r\n  b();').tab('\r\n}').told()).toEqual([
      'shown one',
      'line "\\n  b();" at 0',
      'accepted "\\n}"',
    ]);
  });

  it('ignores an accept command of an item that it does not know', () => {
    expect(story('a|').offer('bc').tell({ kind: 'acceptCommand', itemId: 'other' }).told()).toEqual(['shown one']);
  });
});

describe('typing', () => {
  it('through a suggestion gives each piece and no rejection', () => {
    expect(story('let |').offer('x = 1').type('x =').told()).toEqual([
      'shown one',
      'typed "x" at 0',
      'typed " " at 1',
      'typed "=" at 2',
    ]);
  });

  it('through to the end is typing, since no accept command follows', () => {
    expect(story('let |').offer('x').type('x').tell({ kind: 'quiet' }).told()).toEqual(['shown one', 'typed "x" at 0']);
    expect(story('let |').offer('x').type('x;').told()).toEqual(['shown one', 'typed "x" at 0']);
  });

  it('an emoji or a combining mark is one piece', () => {
    expect(story('s = "|').offer('👩‍💻é"').insert('👩').told().at(-1)).toBe('typed "👩" at 0');
  });

  it('something else rejects it once, with what was typed instead', () => {
    expect(story('let |').offer('x = 1').type('yz').told()).toEqual(['shown one', 'rejected by typedInstead "y"']);
  });

  it('follows brackets that the editor closes and overtypes by itself', () => {
    const typing = story('f|').offer('(a)');
    typing.edit({ offset: 1, length: 0, text: '()' }, 2);
    typing.type('a');
    typing.edit({ offset: 3, length: 1, text: ')' }, 4);
    expect(typing.tell({ kind: 'quiet' }).told()).toEqual(['shown one', 'typed "(" at 0', 'typed "a)" at 1']);
  });

  it('a pair of quotes that the editor closes is typing', () => {
    const typing = story('s = |').offer("''; // empty");
    typing.edit({ offset: 4, length: 0, text: "''" }, 5);
    expect(typing.told().at(-1)).toBe(`typed "''" at 0`);
  });

  it('a line end with its indentation', () => {
    expect(story('{|').offer('\n  b();').insert('\n  ').told().at(-1)).toBe('typed "\\n  " at 0');
  });

  it('a backspace restores what it took, and one below the start drops the suggestion', () => {
    const typing = story('let |').offer('x = 1').type('x').backspace();
    expect(typing.told()).toEqual(['shown one', 'typed "x" at 0']);
    expect(typing.type('x').told().at(-1)).toBe('typed "x" at 0');
    expect(typing.backspace().backspace().told().at(-1)).toBe('rejected by movedAway ""');
  });

  it('a word of the suggest widget replaces what was typed of it', () => {
    const typing = story('cons|').offer('ole.log(1)');
    typing.edit({ offset: 0, length: 4, text: 'console' }, 7);
    expect(typing.told()).toEqual(['shown one', 'typed "ole" at 0']);
    const other = story('cons|').offer('ole.log(1)');
    other.edit({ offset: 0, length: 4, text: 'construct' }, 9);
    expect(other.told()).toEqual(['shown one', 'rejected by typedInstead "truct"']);
  });
});

describe('leaving a suggestion', () => {
  it('by Escape', () => {
    expect(story('a|').offer('bc').tell({ kind: 'escape' }).tell({ kind: 'escape' }).told()).toEqual([
      'shown one',
      'rejected by escape ""',
    ]);
  });

  it('by a cursor move or another document', () => {
    const gone = 'rejected by movedAway ""';
    expect(
      story('ab|')
        .offer('cd')
        .tell({ kind: 'moved', uri: 'file:///a.js', cursors: [0] })
        .told()
        .at(-1),
    ).toBe(gone);
    expect(story('ab|').offer('cd').tell({ kind: 'left', uri: 'file:///a.js' }).told().at(-1)).toBe(gone);
  });

  it('not by moves elsewhere, nor by one cursor of several', () => {
    const kept = story('ab|')
      .offer('cd')
      .tell({ kind: 'moved', uri: 'file:///b.js', cursors: [0] })
      .tell({ kind: 'left', uri: 'file:///b.js' })
      .tell({ kind: 'moved', uri: 'file:///a.js', cursors: [9, 2] });
    expect(kept.type('c').told()).toEqual(['shown one', 'typed "c" at 0']);
  });
});

describe('rapid requests', () => {
  it('show an item once when it is offered again', () => {
    expect(story('a|').offer('bc').offer('bc').type('b').told()).toEqual(['shown one', 'typed "b" at 0']);
  });

  it('keep to the newest item', () => {
    expect(story('a|').offer('bc').offer('xy', { id: 'two' }).tab('xy', 'two').told()).toEqual([
      'shown one',
      'shown two',
      'accepted "xy"',
    ]);
  });

  it('keep an item whose rest is offered under the same id', () => {
    expect(story('a|').offer('bcd').type('b').offer('cd').type('c').told()).toEqual([
      'shown one',
      'typed "b" at 0',
      'typed "c" at 1',
    ]);
  });

  it('offer nothing when nothing is left', () => {
    expect(story('a|').offer('').told()).toEqual([]);
  });
});

describe('several cursors', () => {
  it('typing at another cursor before and behind leaves the suggestion where it moved', () => {
    const typing = story('x\nab|\ny').offer('cd');
    typing.text = 'xc\nabc\nyc';
    typing.cursor = 6;
    const changes = [
      { offset: 6, length: 0, text: 'c' },
      { offset: 4, length: 0, text: 'c' },
      { offset: 1, length: 0, text: 'c' },
    ];
    typing.tell({ kind: 'changed', uri: 'file:///a.js', version: 2, cause: 'edit', changes });
    typing.tell({ kind: 'moved', uri: 'file:///a.js', cursors: [6, 2, 9] });
    typing.tell({
      kind: 'changed',
      uri: 'file:///a.js',
      version: 3,
      cause: 'edit',
      changes: [{ offset: 6, length: 0, text: 'd' }],
    });
    expect(typing.tell({ kind: 'quiet' }).told()).toEqual(['shown one', 'typed "c" at 0', 'typed "d" at 1']);
  });
});

describe('undo', () => {
  it('takes an accepted suggestion back, once', () => {
    expect(story('a = |').offer('b;').tab('b;').undo().told()).toEqual(['shown one', 'accepted "b;"', 'undone one']);
  });

  it('is told for a part, and after edits elsewhere', () => {
    const undone = story('x\na = |').offer('b + c').take('word', 'b');
    undone.edit({ offset: 0, length: 0, text: 'long ' }, undone.cursor + 5);
    undone.edit({ offset: 11, length: 1, text: '' }, 11, 'undo');
    expect(undone.told().at(-1)).toBe('undone one');
  });

  it('of typing is no undone suggestion', () => {
    const undone = story('a = |').offer('b;').tab('b;').type(' ').undo();
    expect(undone.told()).toEqual(['shown one', 'accepted "b;"']);
  });

  it('of something typed through drops the suggestion silently when it no longer fits', () => {
    const undone = story('let |').offer('x = 1').type('x');
    undone.edit({ offset: 0, length: 5, text: '' }, 0, 'undo');
    expect(undone.told()).toEqual(['shown one', 'typed "x" at 0']);
  });
});
