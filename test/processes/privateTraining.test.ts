import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { euclideanNorm } from '#protocol/federation/quantiser.ts';
import { parseRoundFile } from '#protocol/federation/roundFile.ts';
import { settingsOf } from '#protocol/federation/roundOverlay.ts';
import { linesOf, tokenizerOf, windowsOf } from '../../demo/nativeMemberTrainer.ts';
import { readGguf } from '../../language-server/src/engine/gguf.ts';
import { updateLengthFor } from '../../language-server/src/federation/adapterLength.ts';
import type { LocalOutcome } from '../../language-server/src/federation/localTrainer.ts';
import { nativeTrainer } from '../../language-server/src/federation/nativeTrainer.ts';
import { trainerTargets } from '../../language-server/src/learning/trainerMessages.ts';
import { habitualExamples } from '../lib/examples.ts';
import { trainerHost } from '../lib/learning.ts';
import { modelPath } from './setup.ts';

const { signal } = new AbortController();
const host = trainerHost();
const sequence = 64;
const adapter = { rank: 8, alpha: 16, targets: [...trainerTargets], matrices: 'b' as const, seed: 1 };

function taken<Value>(outcome: LocalOutcome<Value>): Value {
  if (!outcome.ok) throw new Error(outcome.message);
  return outcome.value;
}

it.skipIf('missing' in host)(
  'a member’s update by a lead’s usual record-level round has the noise of its epsilon, and what it learnt',
  async () => {
    if ('missing' in host) return;
    const folder = await mkdtemp(join(tmpdir(), 'argot-private-'));
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const gguf = await readGguf(modelPath());
    if (!gguf.ok) throw new Error(gguf.message);
    const tokenize = await tokenizerOf(modelPath());
    const windows = windowsOf(
      habitualExamples(60).map(({ text }) => tokenize(text)),
      Number.MAX_SAFE_INTEGER,
      sequence,
    );
    const [train, heldOut] = [windows.slice(0, -8), windows.slice(-8)];
    const trainer = nativeTrainer({
      ...{ host, model: gguf.gguf, modelSha256: 'test', threads: 1, lowPriority: false, tokenize, folder },
      async files() {
        const paths = { train: join(folder, 'train.jsonl'), heldOut: join(folder, 'held-out.jsonl') };
        await writeFile(paths.train, linesOf(train));
        await writeFile(paths.heldOut, linesOf(heldOut));
        return { ...paths, trainTokens: train.flat().length, heldOutTokens: heldOut.flat().length };
      },
    });
    const length = updateLengthFor(gguf.gguf, adapter) ?? 0;
    const file = parseRoundFile(
      JSON.stringify({ training: { sequence }, privacy: { mechanism: 'record', epsilon: 8 } }),
    );
    if (!file.ok) throw new Error(file.complaint);
    const minimums = { minimumCohort: 3, privacyMechanisms: ['record' as const] };
    const team = { base: 'ab'.repeat(32), adapter, length, members: 3, context: 512, minimums };
    const asked = settingsOf(file.file, team);
    if (!asked.ok || asked.settings.privacy.mechanism !== 'record') throw new Error('No record-level round.');
    const { training, privacy, quantiser, clipNorm } = asked.settings;

    const job = { adapter, training, privacy, maxWeight: 1, start: undefined, order: 1 };
    const { update, weight } = taken(await trainer.train({ ...job, work: join(folder, 'noisy') }, signal));
    expect(weight).toBe(1);
    // A mean of vectors of norm 1 is no longer than 1, and noise in so many coordinates has next to the same length each time.
    const noise = ((training.learningRate * privacy.noiseMultiplier) / train.length) * Math.sqrt(length);
    const norm = euclideanNorm(update);
    expect(norm).toBeGreaterThan(0.98 * noise);
    expect(norm).toBeLessThan(1.02 * Math.hypot(noise, training.learningRate));
    // It travels whole.
    const [{ range } = { range: 0 }] = quantiser.segments;
    expect(update.filter((value) => Math.abs(value) > range).length / length).toBeLessThan(1e-3);
    expect(norm).toBeLessThan(clipNorm);

    const silent = { ...privacy, noiseMultiplier: 1e-9 };
    const clean = taken(await trainer.train({ ...job, privacy: silent, work: join(folder, 'clean') }, signal)).update;
    expect(euclideanNorm(clean)).toBeLessThanOrEqual(1.001 * training.learningRate);
    const [noisyFile, cleanFile] = [join(folder, 'noisy.gguf'), join(folder, 'clean.gguf')];
    taken(await trainer.materialise(adapter, update, noisyFile, signal));
    taken(await trainer.materialise(adapter, clean, cleanFile, signal));
    const losses = taken(await trainer.heldOutLosses([undefined, noisyFile, cleanFile], signal));
    const [base = 0, noisy = 0, without = 0] = losses.map(({ perToken }) => perToken);
    console.log(JSON.stringify({ records: train.length, base, noisy, without, norm, noise }));
    expect(without).toBeLessThan(0.97 * base);
    expect(noisy).toBeLessThan(base);
  },
);
