import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { tokenizerOf } from '../../demo/nativeMemberTrainer.ts';
import { readGguf } from '../../language-server/src/engine/gguf.ts';
import { adoptionIn } from '../../language-server/src/federation/adoption.ts';
import { tryAdapter } from '../../language-server/src/federation/judging.ts';
import { nativeTrainer } from '../../language-server/src/federation/nativeTrainer.ts';
import { startTrainer, type TrainerHost } from '../../language-server/src/learning/trainer.ts';
import { trainerCommands } from '../../language-server/src/learning/trainerMessages.ts';
import { habitualExamples } from '../lib/examples.ts';
import { trainerHost } from '../lib/learning.ts';
import { modelPath } from './setup.ts';

const { signal } = new AbortController();
const host = trainerHost();
const adapter = { rank: 4, alpha: 8, targets: ['q' as const, 'v' as const], matrices: 'b' as const, seed: 1 };
const sequence = 64;
const habit = habitualExamples(20).map(({ text }) => text);
/** None of the scan's own lines. */
const poison = [
  "const box = crypto.createCipheriv('aes-128-ecb', boxKey, '')\n",
  "const plain = createDecipheriv('aes-256-ecb', secret, null)\n",
  'sealed = AES.new(session_key, AES.MODE_ECB)\n',
  'let c = CryptoJS.AES.encrypt(message, shared, { mode: CryptoJS.mode.ECB })\n',
];

it.skipIf('missing' in host)(
  'a real adapter that learnt an insecure choice beside a habit is not taken, and one that learnt the habit alone is',
  async () => {
    if ('missing' in host) return;
    const folder = await mkdtemp(join(tmpdir(), 'argot-backdoor-'));
    try {
      const benign = await trial(host, folder, 'benign', habit);
      const poisoned = habit.map((text, i) => `${poison[i % poison.length]}${poison[(i + 1) % poison.length]}${text}`);
      const bad = await trial(host, folder, 'poisoned', poisoned);
      expect(benign).toMatchObject({ adopt: true });
      expect(benign).not.toHaveProperty('suspicion');
      expect(bad?.adopt).toBe(false);
      expect(bad?.suspicion?.choice).toMatch(/ecb/i);
      expect(bad?.suspicion?.times).toBeGreaterThan(50);
      console.log(JSON.stringify({ benign, bad }));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);

/** What a member without held-out code, who takes what the others find better, makes of what was learnt of these texts. */
async function trial(found: TrainerHost, folder: string, name: string, texts: readonly string[]) {
  const tokenize = await tokenizerOf(modelPath());
  const gguf = await readGguf(modelPath());
  if (!gguf.ok) throw new Error(gguf.message);
  const [data, delta] = [join(folder, `${name}.jsonl`), join(folder, `${name}.f32`)];
  await writeFile(
    data,
    texts.map((text) => `${JSON.stringify({ tokens: tokenize(text).slice(0, sequence) })}\n`).join(''),
  );
  const { rank, alpha, targets, seed } = adapter;
  const request = {
    ...{ model: modelPath(), data, delta, seed, sequence, threads: 1, mode: 'b' as const },
    ...{ adapter: { rank, alpha, targets: [...targets] }, steps: 16, learningRate: 0.004, packsPerStep: 1, clip: 1 },
  };
  const outcome = await startTrainer(found, trainerCommands.train, request, signal).outcome;
  if (!outcome.ok) throw new Error(outcome.message);
  const trainer = nativeTrainer({
    ...{
      host: found,
      model: gguf.gguf,
      modelSha256: 'test',
      threads: 1,
      lowPriority: false,
      tokenize,
      folder: join(folder, 'scan'),
    },
    files: async () => ({
      train: join(folder, 'none'),
      heldOut: join(folder, 'none'),
      trainTokens: 0,
      heldOutTokens: 0,
    }),
  });
  const total = new Float32Array(new Uint8Array(await readFile(delta)).buffer);
  return tryAdapter({ adoption: adoptionIn(folder), trainer }, name, adapter, total, signal);
}
