// Exchanges adapters again and again in a process that its parent starts as the editor starts the server. Arguments: the
// model, an adapter, a folder, how often. Prints a line with the process's own memory in MiB after each exchange.
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ownMemoryMiB, realEngine } from './learning.ts';

const [model = '', adapter = '', folder = '', swaps = '0'] = process.argv.slice(2);
await using engine = await realEngine(model);
for (let i = 0; i < Number(swaps); i++) {
  const version = join(folder, `version-${i}.gguf`);
  await copyFile(adapter, version);
  const outcome = await engine.setAdapters([{ path: version, scale: 1 }]);
  if (!outcome.ok) throw new Error(outcome.message);
  const request = { tokens: engine.tokenize('function greet('), required: '', maxTokens: 1, onText: () => false };
  await engine.generate(request, new AbortController().signal);
  await rm(version);
  console.log(ownMemoryMiB().toFixed(1));
}
