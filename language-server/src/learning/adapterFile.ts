import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import type { GgufFile } from '../engine/gguf.ts';
import { readGguf } from '../engine/gguf.ts';
import { trainerTargets } from './trainerMessages.ts';

/** What an adapter's own header tells. */
export interface AdapterHeader {
  readonly rank: number;
  readonly targets: readonly (typeof trainerTargets)[number][];
  /** Empty where the maker did not say. */
  readonly baseSha256: string;
  readonly sizeBytes: number;
}

export type AdapterFileOutcome =
  | { readonly ok: true; readonly header: AdapterHeader }
  | { readonly ok: false; readonly problem: 'notAnAdapter' | 'otherBase' | 'otherShape'; readonly message: string };

/** Which tensor of a layer each target adapts. */
export const tensorOf = {
  q: 'attn_q',
  k: 'attn_k',
  v: 'attn_v',
  o: 'attn_output',
  gate: 'ffn_gate',
  up: 'ffn_up',
  down: 'ffn_down',
} as const;

/** Reads the header of a LoRA adapter and holds each of its tensors against the matrix of the base that it adapts. */
export async function readAdapterFile(path: string, base: GgufFile, baseSha256: string): Promise<AdapterFileOutcome> {
  const read = await readGguf(path);
  if (!read.ok) return { ok: false, problem: 'notAnAdapter', message: read.message };
  const { metadata, tensors, architecture, sizeBytes } = read.gguf;
  const name = basename(path);
  if (metadata.get('general.type') !== 'adapter' || metadata.get('adapter.type') !== 'lora' || tensors.size === 0) {
    return {
      ok: false,
      problem: 'notAnAdapter',
      message: `${name} is no LoRA adapter. Choose a file that Argot exported.`,
    };
  }
  const ownBase = String(metadata.get('argot.base.sha256') ?? '');
  if (architecture !== base.architecture || (ownBase !== '' && ownBase !== baseSha256)) {
    const other = String(metadata.get('argot.base.name') ?? architecture);
    return {
      ok: false,
      problem: 'otherBase',
      message: `${name} was made for another model (${other}). Choose that model first, then import it again.`,
    };
  }
  const rank = commonRank(tensors, base.tensors);
  if (rank === undefined) {
    return {
      ok: false,
      problem: 'otherShape',
      message: `${name} does not fit the matrices of the model. Choose the model that it was made for.`,
    };
  }
  const targets = trainerTargets.filter((target) =>
    [...tensors.keys()].some((tensor) => tensor.includes(`.${tensorOf[target]}.`)),
  );
  return { ok: true, header: { rank, targets, baseSha256: ownBase, sizeBytes } };
}

/** Undefined unless every A is (in, rank), every B (rank, out), and no half is missing. */
function commonRank(tensors: GgufFile['tensors'], base: GgufFile['tensors']): number | undefined {
  let rank: number | undefined;
  for (const tensor of tensors.keys()) {
    const matrix = tensor.replace(/\.lora_[ab]$/, '');
    const [a, b, whole] = [tensors.get(`${matrix}.lora_a`), tensors.get(`${matrix}.lora_b`), base.get(matrix)];
    if (matrix === tensor || a === undefined || b === undefined || whole === undefined) return undefined;
    rank ??= a[1];
    if (a[0] !== whole[0] || b[1] !== whole[1] || a[1] !== rank || b[0] !== rank) return undefined;
  }
  return rank;
}

export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex');
}
