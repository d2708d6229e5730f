// Writes each folder's trace.jsonl anew from its files and the plan below: node bench/traces/generate.ts (Node 24).
// The same plan gives the same bytes.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isKeystroke, readOriginal } from '../lib/trace.ts';
import { type Part, typeParts } from '../lib/typist.ts';

interface Sitting {
  readonly name: string;
  readonly seed: number;
  readonly languageId: string;
  readonly paths: readonly string[];
  readonly parts: readonly Part[];
}

const sittings: readonly Sitting[] = [
  {
    name: 'koa',
    seed: 11,
    languageId: 'javascript',
    paths: ['lib/response.js', 'lib/application.js'],
    parts: [
      { path: 'lib/response.js', lines: [388, 390] },
      { path: 'lib/application.js', lines: [306, 309] },
      { path: 'lib/response.js', line: 403, text: ', ...types' },
    ],
  },
  {
    name: 'execa',
    seed: 12,
    languageId: 'javascript',
    paths: ['index.js', 'lib/kill.js', 'lib/error.js'],
    parts: [
      { path: 'lib/kill.js', lines: [56, 60] },
      { path: 'index.js', lines: [67, 69] },
      { path: 'lib/error.js', lines: [17, 19] },
      { path: 'index.js', line: 28, text: ', options' },
    ],
  },
  {
    name: 'query-core',
    seed: 13,
    languageId: 'typescript',
    paths: ['src/retryer.ts', 'src/query.ts', 'src/utils.ts'],
    parts: [
      { path: 'src/retryer.ts', lines: [93, 95] },
      { path: 'src/query.ts', lines: [346, 350] },
      { path: 'src/utils.ts', lines: [294, 298] },
      { path: 'src/retryer.ts', line: 99, text: "config.networkMode === 'always' || " },
    ],
  },
  {
    name: 'click',
    seed: 14,
    languageId: 'python',
    paths: ['click/formatting.py', 'click/utils.py'],
    parts: [
      { path: 'click/formatting.py', lines: [15, 17] },
      { path: 'click/utils.py', lines: [175, 176] },
      { path: 'click/formatting.py', lines: [292, 296] },
      { path: 'click/utils.py', line: 157, text: ', atomic=self.atomic' },
    ],
  },
];

for (const sitting of sittings) {
  const files = await Promise.all(
    sitting.paths.map(async (path) => ({
      path,
      languageId: sitting.languageId,
      text: await readOriginal(import.meta.dirname, sitting.name, path),
    })),
  );
  const events = typeParts({ seed: sitting.seed, files, parts: sitting.parts });
  const path = join(import.meta.dirname, sitting.name, 'trace.jsonl');
  await writeFile(path, events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  const keys = events.filter(isKeystroke);
  const jumps = events.filter(({ type }) => type === 'jump').length;
  const deletes = keys.filter(({ type }) => type === 'delete').length;
  console.log(`${sitting.name}: ${keys.length} keystrokes (${deletes} backspaces), ${jumps} jumps`);
}
