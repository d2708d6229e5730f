import { z } from 'zod';
import { type AdapterKind, adapterKindSchema } from './adapterCard.ts';

/** One slot of one base model: which version was active when, the present one last; pinned, nothing but a person changes it. */
const slotSchema = z.object({
  kind: adapterKindSchema,
  baseSha256: z.string(),
  pinned: z.boolean(),
  history: z.array(
    z.object({
      id: z.string(),
      scale: z.number(),
      sinceMs: z.number(),
      /** The team's version that it was judged with; null is none. */
      beside: z.string().nullable().default(null),
    }),
  ),
});
export type AdapterSlot = z.infer<typeof slotSchema>;
export type Activation = AdapterSlot['history'][number];

export const adapterSlotsSchema = z.object({ format: z.literal(1), slots: z.array(slotSchema) });
export type AdapterSlots = z.infer<typeof adapterSlotsSchema>;

export const noSlots: AdapterSlots = { format: 1, slots: [] };
/** So many steps back are kept. */
const longestHistory = 20;

export function slotOf(slots: AdapterSlots, kind: AdapterKind, baseSha256: string): AdapterSlot {
  const found = slots.slots.find((slot) => slot.kind === kind && slot.baseSha256 === baseSha256);
  return found ?? { kind, baseSha256, pinned: false, history: [] };
}

export function withSlot(slots: AdapterSlots, changed: AdapterSlot): AdapterSlots {
  const others = slots.slots.filter(
    ({ kind, baseSha256 }) => kind !== changed.kind || baseSha256 !== changed.baseSha256,
  );
  return { format: 1, slots: [...others, changed] };
}

/** A version that is activated again replaces its own entry only when it is the present one: history is what happened. */
export function activated(slot: AdapterSlot, next: Activation): AdapterSlot {
  const kept = slot.history.at(-1)?.id === next.id ? slot.history.slice(0, -1) : slot.history;
  return { ...slot, history: [...kept, next].slice(-longestHistory) };
}

/** Back to what was active before; with no entry left, to the base model. */
export function rolledBack(slot: AdapterSlot): AdapterSlot {
  return { ...slot, history: slot.history.slice(0, -1) };
}

/** Drops the versions that are gone, wherever they stand; what was active before them is active again. */
export function without(slots: AdapterSlots, gone: (id: string) => boolean): AdapterSlots {
  return {
    format: 1,
    slots: slots.slots.map((slot) => ({ ...slot, history: slot.history.filter(({ id }) => !gone(id)) })),
  };
}
