import { describe, expect, it, vi } from 'vitest';
import type { IndexClient, IndexQuery } from '../indexing/indexClient.ts';
import { openDocument } from './documents.ts';
import { placeAt } from './place.ts';
import { createRepositoryContext } from './repositoryContext.ts';

const folders = [
  { uri: 'file:///work/app', name: 'app' },
  { uri: 'file:///work/app/packages/lib', name: 'lib' },
  { uri: 'vscode-vfs://remote/x', name: 'x' },
];

function setUp(excluded: (uri: string) => boolean = () => false, found = ['seen.js', 'hidden.js']) {
  const calls: unknown[][] = [];
  const index: IndexClient = {
    open: (...args) => void calls.push(['open', ...args]),
    close: (...args) => void calls.push(['close', ...args]),
    changed: (...args) => void calls.push(['changed', ...args]),
    rescan: (...args) => void calls.push(['rescan', ...args]),
    overlay: (...args) => void calls.push(['overlay', ...args]),
    query: async ({ roots, related }: IndexQuery) => {
      calls.push([
        'related',
        related.map(({ root, paths }) => [root, paths.length < 3 ? paths : paths.includes('b.test.js')]),
      ]);
      return found.map((path) => ({
        root: roots[0] ?? '',
        path,
        start: 0,
        end: 1,
        score: 1,
        text: path,
      }));
    },
    progress: () => undefined,
    onProgress: () => () => undefined,
    pid: undefined,
    [Symbol.dispose]: () => undefined,
  };
  const repository = createRepositoryContext({
    index,
    excluded,
    definitions: {
      of: () => ['file:///work/app/packages/lib/defined.js', 'file:///elsewhere/x.js'],
      forget: () => undefined,
    },
  });
  repository.configure({ folders, exclude: ['**/x'], enabled: true });
  return { repository, calls };
}
const document = (uri: string) => openDocument({ uri, languageId: 'javascript', version: 1, text: 'a\n' }, folders);

describe('the repository of a window', () => {
  it('is its folders on disk, and none where the settings say no', () => {
    const { repository, calls } = setUp();
    repository.configure({ folders, exclude: ['**/x'], enabled: true });
    repository.configure({ folders, exclude: ['**/x'], enabled: false });
    expect(calls).toEqual([
      ['open', '/work/app', ['**/x']],
      ['open', '/work/app/packages/lib', ['**/x']],
      ['close', '/work/app'],
      ['close', '/work/app/packages/lib'],
    ]);
  });

  it('sends a document to the innermost folder that holds it, when its typist pauses, unless it is excluded', () => {
    vi.useFakeTimers();
    try {
      const { repository, calls } = setUp((uri) => uri.endsWith('.env.js'));
      calls.length = 0;
      for (const path of ['packages/lib/a.js', 'b.js', '.env.js'])
        repository.touched(document(`file:///work/app/${path}`));
      repository.touched(document('untitled:Untitled-1'));
      expect(calls).toEqual([]);
      vi.advanceTimersByTime(1000);
      expect(calls).toEqual([
        ['overlay', '/work/app/packages/lib', 'a.js', 'a\n'],
        ['overlay', '/work/app', 'b.js', 'a\n'],
      ]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('looks at everything when very many files change, or the rules of what is ignored', () => {
    const { repository, calls } = setUp();
    calls.length = 0;
    repository.filesChanged(['file:///work/app/a.js', 'file:///elsewhere/b.js']);
    repository.filesChanged(Array.from({ length: 400 }, (_, i) => `file:///work/app/${i}.js`));
    repository.filesChanged(['file:///work/app/packages/lib/src/.gitignore']);
    expect(calls).toEqual([
      ['changed', '/work/app', ['a.js']],
      ['rescan', '/work/app'],
      ['rescan', '/work/app/packages/lib'],
    ]);
  });

  it('prefers files that belong with the document, and those that define its names, where they are in a folder', async () => {
    const { repository, calls } = setUp();
    const open = document('file:///work/app/b.js');
    await repository.refresh(open, placeAt(open, { line: 0, character: 1 }));
    expect(calls.at(-1)).toEqual([
      'related',
      [
        ['/work/app', true],
        ['/work/app/packages/lib', ['defined.js']],
      ],
    ]);
  });

  it('is asked once for each line that the cursor comes to, and again where it found nothing', async () => {
    const { repository, calls } = setUp();
    const open = document('file:///work/app/b.js');
    const asked = async (line: number, character: number): Promise<number> => {
      const before = calls.length;
      await repository.refresh(open, placeAt(open, { line, character }));
      return calls.length - before;
    };
    expect([await asked(0, 0), await asked(0, 1), await asked(1, 0), await asked(0, 1)]).toEqual([1, 0, 1, 1]);
    const silent = setUp(() => false, []);
    await silent.repository.refresh(open, placeAt(open, { line: 0, character: 0 }));
    await silent.repository.refresh(open, placeAt(open, { line: 0, character: 1 }));
    expect(silent.calls.filter(([kind]) => kind === 'related')).toHaveLength(2);
  });

  it('never gives what is excluded, whatever the index says', async () => {
    const { repository } = setUp((uri) => uri.includes('hidden'));
    const open = document('file:///work/app/a.js');
    await repository.refresh(open, placeAt(open, { line: 0, character: 1 }));
    expect(repository.candidates(open.text.uri)?.map(({ path }) => path)).toEqual(['seen.js']);
    repository.closed(open.text.uri);
    expect(repository.candidates(open.text.uri)).toBeUndefined();
  });
});
