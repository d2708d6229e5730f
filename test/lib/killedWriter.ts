import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('storeWriter.ts', import.meta.url));

/** What a killed writer had been promised, and what it had not asked for in vain. */
export interface WriterLog {
  readonly added: Set<string>;
  readonly deleted: Set<string>;
  /** A deletion was asked for: it may or may not have happened. */
  readonly doubtful: Set<string>;
}

/** Lets a writer run for a while from the moment that its store is open, and kills it without warning. */
export async function runAndKill(folder: string, from: number, afterMs: number): Promise<WriterLog> {
  const child = spawn(process.execPath, [script, folder, String(from)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  while (!output.includes('open\n')) {
    if (child.exitCode !== null) throw new Error(`The writer ended with ${child.exitCode} before its store was open.`);
    await sleep(5);
  }
  await sleep(afterMs);
  child.kill('SIGKILL');
  await once(child, 'close');
  const marked = (mark: string) =>
    new Set(output.split('\n').flatMap((line) => (line.startsWith(mark) ? line.slice(1) : [])));
  return { added: marked('+'), deleted: marked('-'), doubtful: marked('?') };
}
