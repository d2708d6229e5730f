// npm run bench -- corpora [--manifest FILE] [--json]
// Builds the authors' corpora that other benchmarks train and test on, and prints how large they are.
import { parseArgs } from 'node:util';
import { type AuthorCorpus, provideCorpora, type SourceFile } from './corpora/corpus.ts';
import { runBenchmark } from './lib/main.ts';

const kilobytes = (files: readonly SourceFile[]): number =>
  Math.round(files.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) / 1000);

function row({ author, train, valid, test, cases }: AuthorCorpus) {
  const all = [...train, ...valid, ...test];
  return {
    author,
    packages: new Set(all.map((file) => file.package)).size,
    files: all.length,
    trainKb: kilobytes(train),
    validKb: kilobytes(valid),
    testKb: kilobytes(test),
    cases: cases.length,
  };
}

await runBenchmark(async () => {
  const { values } = parseArgs({
    options: { manifest: { type: 'string' }, json: { type: 'boolean', default: false } },
  });
  const rows = (await provideCorpora({ manifest: values.manifest, progress: console.error })).map(row);
  if (values.json) console.log(JSON.stringify({ authors: rows.length, rows }));
  else console.table(rows);
});
