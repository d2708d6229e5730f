import type { Example } from '../learning/example.ts';
import type { Entry } from './exampleIndex.ts';
import { decodeLine } from './line.ts';
import { parseExample } from './storedExample.ts';

/**
 * Gives the examples at these places in their order. Neighbours mostly lie in one segment, so the last one read is kept.
 * One that was deleted meanwhile, or whose line went bad since the start, is left out.
 */
export async function* readExamples(
  entries: readonly Entry[],
  read: (segment: number) => Promise<Buffer>,
  signal: AbortSignal,
): AsyncGenerator<Example, void, void> {
  let current: { readonly segment: number; readonly bytes: Buffer } | undefined;
  for (const { segment, offset, length } of entries) {
    signal.throwIfAborted();
    if (current?.segment !== segment) current = { segment, bytes: await read(segment) };
    const json = decodeLine(current.bytes.subarray(offset, offset + length));
    const example = json === undefined ? undefined : parseExample(json);
    if (example !== undefined) yield example;
  }
}
