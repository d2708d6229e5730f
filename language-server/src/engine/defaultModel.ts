import { fits, type MachineMemory } from './hardware.ts';
import { type MemoryFacts, memoryNeed } from './memoryNeed.ts';
import type { Speeds } from './speeds.ts';

export interface Candidate {
  readonly id: string;
  readonly memory: MemoryFacts;
  /** As `CatalogueEntry.codeQuality`. */
  readonly codeQuality: number;
}

/** Below this a line takes longer to come than to type. */
const minimumDecode = 12;

/** What a laptop's memory gives its processor, in bytes a second, until a model has shown it. */
const usualBandwidth = 20e9;

/**
 * The best model that fits memory and is fast enough; where none is fast enough, the fastest that fits; where none fits,
 * the smallest, for which loading says what is wrong. Decoding reads every weight once a token, so a model that never
 * ran here is judged by the bandwidth that another one reached.
 */
export function pickDefault<C extends Candidate>(
  candidates: readonly C[],
  memory: MachineMemory,
  speeds: Speeds,
): C | undefined {
  const measured = candidates.flatMap(({ id, memory: { weightsBytes } }) => {
    const speed = speeds[id];
    return speed ? [speed.decode * weightsBytes] : [];
  });
  const bandwidth = measured.length > 0 ? Math.max(...measured) : usualBandwidth;
  const decode = ({ id, memory: { weightsBytes } }: C) => speeds[id]?.decode ?? bandwidth / weightsBytes;
  const fitting = candidates.filter((candidate) => fits(memoryNeed(candidate.memory), memory));
  const fast = fitting.filter((candidate) => decode(candidate) >= minimumDecode);
  if (fast.length > 0) return largest(fast, ({ codeQuality }) => codeQuality);
  if (fitting.length > 0) return largest(fitting, decode);
  return largest(candidates, (candidate) => -memoryNeed(candidate.memory));
}

function largest<C>(items: readonly C[], measure: (item: C) => number): C | undefined {
  return items.toSorted((a, b) => measure(b) - measure(a))[0];
}
