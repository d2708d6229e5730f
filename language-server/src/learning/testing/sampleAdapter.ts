import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GgufFile, readGguf } from '../../engine/gguf.ts';
import { sampleGguf } from '../../engine/testing/sampleGguf.ts';
import type { GateReport } from '../adapterCard.ts';
import type { AdapterBase } from '../adapterVersions.ts';

/** A gate that an adapter passed. */
export const better: GateReport = {
  verdict: 'better',
  decidedAtMs: 1,
  heldOutExamples: 20,
  heldOutTokens: 900,
  probeTokens: 900,
  baseLoss: 2,
  currentLoss: 2,
  candidateLoss: 1.8,
  gain: 0.1,
  gainLow: 0.04,
  forgetting: 0.001,
  scales: { team: 0, personal: 1 },
};

const matrix = 'blk.0.attn_q.weight';

/** The header of a one-matrix model, (64 in, 32 out), written into `folder`. */
export async function sampleBase(folder: string, sha256 = 'aa'): Promise<AdapterBase> {
  const path = join(folder, 'base.gguf');
  await writeFile(
    path,
    sampleGguf({
      metadata: { 'general.architecture': 'llama' },
      tensors: [{ name: matrix, dimensions: [64, 32], type: 0 }],
    }),
  );
  return { sha256, name: 'Sample', gguf: await header(path) };
}

export interface SampleAdapter {
  readonly baseSha256?: string;
  readonly architecture?: string;
  readonly rank?: number;
  readonly out?: number;
  /** Told apart by their bytes. */
  readonly label?: string;
}

export async function sampleAdapter(folder: string, name: string, about: SampleAdapter = {}): Promise<string> {
  const { baseSha256 = 'aa', architecture = 'llama', rank = 4, out = 32, label = name } = about;
  const path = join(folder, name);
  const bytes = sampleGguf({
    metadata: {
      'general.type': 'adapter',
      'general.architecture': architecture,
      'adapter.type': 'lora',
      'argot.base.sha256': baseSha256,
      'argot.base.name': 'Another',
      'test.label': label,
    },
    tensors: [
      { name: `${matrix}.lora_a`, dimensions: [64, rank], type: 0 },
      { name: `${matrix}.lora_b`, dimensions: [rank, out], type: 0 },
    ],
  });
  await writeFile(path, bytes);
  return path;
}

async function header(path: string): Promise<GgufFile> {
  const read = await readGguf(path);
  if (!read.ok) throw new Error(read.message);
  return read.gguf;
}
