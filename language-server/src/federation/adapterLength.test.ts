import { describe, expect, it } from 'vitest';
import { updateLengthFor } from './adapterLength.ts';

/** SmolLM2-135M's shapes: rows first, as GGUF gives them. */
const shapes = {
  attn_q: [576, 576],
  attn_k: [576, 192],
  attn_v: [576, 192],
  attn_output: [576, 576],
  ffn_gate: [576, 1536],
  ffn_up: [576, 1536],
  ffn_down: [1536, 576],
} as const;
const tensors = new Map(
  Array.from({ length: 30 }, (_, layer) =>
    Object.entries(shapes).map(([name, shape]) => [`blk.${layer}.${name}.weight`, shape] as const),
  ).flat(),
);
const all = { rank: 8, alpha: 16, targets: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'], seed: 1 } as const;

describe('updateLengthFor', () => {
  it('counts B alone, or both matrices', () => {
    const of = (matrices: 'b' | 'both') =>
      updateLengthFor({ tensors }, { ...all, targets: [...all.targets], matrices });
    expect(of('b')).toBe(30 * 8 * (576 + 192 + 192 + 576 + 1536 + 1536 + 576));
    expect(of('both')).toBe((of('b') ?? 0) + 30 * 8 * (6 * 576 + 1536));
  });

  it('knows no length for a model without such tensors, or with some of them', () => {
    const q = { rank: 8, alpha: 16, targets: ['q' as const], matrices: 'b' as const, seed: 1 };
    expect(updateLengthFor({ tensors: new Map() }, q)).toBeUndefined();
    const fused = new Map([['blk.0.attn_q.weight', [8, 8]]]);
    expect(updateLengthFor({ tensors: fused }, { ...q, targets: ['q', 'k'] })).toBeUndefined();
  });
});
