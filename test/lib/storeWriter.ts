// A process of its own that fills the store in the folder of its argument for ever, until it is killed. It prints
// `+ID` when an addition was acknowledged and `-ID` when a deletion was.
import { openExampleStore } from '../../language-server/src/store/createExampleStore.ts';
import { nodeFileSystem } from '../../language-server/src/store/fileSystem.ts';
import { loadSqlite } from '../../language-server/src/store/sqlite.ts';
import { sampleExample } from '../../language-server/src/store/testing/sampleExamples.ts';

const [folder = '', start = '0'] = process.argv.slice(2);
const sql = await loadSqlite();
const { store } = await openExampleStore({ folder, files: nodeFileSystem, sql }, new AbortController().signal);
process.stdout.write('open\n');
for (let number = Number(start); ; number++) {
  const { kind } = await store.add(sampleExample(number));
  if (kind === 'added') process.stdout.write(`+example-${number}\n`);
  if (number % 10 === 9) {
    const unwanted = `example-${number - 5}`;
    process.stdout.write(`?${unwanted}\n`);
    if ((await store.delete([unwanted])).ok) process.stdout.write(`-${unwanted}\n`);
  }
  if (number % 50 === 49) await store.retain(0, 120);
}
