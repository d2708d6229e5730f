import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrainerHost } from '../trainer.ts';

/**
 * A program in the trainer's place: “training” copies a ready adapter, and a stack with an adapter has so much of the base
 * model's loss as `share` says. What it was asked is in its log. Scripts need a shebang.
 */
export async function fakeTrainer(folder: string, adapter: string, share = 0.9, trainMs = 30) {
  const program = join(folder, 'trainer.cjs');
  const log = join(folder, 'asked.log');
  await writeFile(
    program,
    `#!${process.execPath}
const fs = require('node:fs');
const tell = (message) => console.log(JSON.stringify(message));
const end = (result) => { tell({ event: 'result', ...result }); process.exit(0); };
require('node:readline').createInterface({ input: process.stdin }).on('line', (text) => {
  const line = JSON.parse(text);
  fs.appendFileSync(${JSON.stringify(log)}, (line.command ?? line.control) + '\\n');
  if (line.control === 'cancel') {
    tell({ event: 'error', problem: 'cancelled', message: 'Cancelled.' });
    process.exit(13);
  }
  if (line.command === 'train') {
    tell({ event: 'progress', step: 1, steps: 2, loss: 1, tokensPerSecond: 1, secondsLeft: 1, paused: false });
    setTimeout(() => {
      fs.copyFileSync(${JSON.stringify(adapter)}, line.output);
      end({ stopped: 'steps', steps: 2, tokens: 9, loss: 1, validationLoss: null, bestStep: 2, seconds: 1, tokensPerSecond: 1 });
    }, ${trainMs});
  }
  if (line.command === 'evaluate') {
    const examples = fs.readFileSync(line.data, 'utf8').trim().split('\\n').map((each) => JSON.parse(each));
    line.stacks.forEach((stack, s) => examples.forEach(({ labels }, example) => {
      const tokens = labels.reduce((sum, [from, to]) => sum + to - from, 0);
      const probe = line.data.includes('probe');
      tell({ event: 'example', stack: s, example, tokens, loss: tokens * (stack.length === 0 || probe ? 1 : ${share}) });
    }));
    end({ stacks: line.stacks.map(() => ({ loss: 1, tokens: 1 })), seconds: 1, tokensPerSecond: 1 });
  }
});
`,
  );
  await chmod(program, 0o755);
  const host: TrainerHost = { program, libraries: folder };
  return {
    host,
    async asked(): Promise<readonly string[]> {
      return (await readFile(log, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
    },
  };
}
