import { NotificationType } from 'vscode-languageserver-protocol';
import { z } from 'zod';

/**
 * What the developer did with a suggestion, as a published extension can see it. Learning reads these; they never leave
 * the machine.
 */
const about = {
  /** The item's id, from its accept command's argument. */
  itemId: z.string(),
  uri: z.string(),
  /** The document's version after the change that told it. */
  version: z.number().int(),
};

export const signalSchema = z.discriminatedUnion('kind', [
  /** The editor took the item from the provider while the cursor was still there. */
  z.object({ kind: z.literal('shown'), ...about }),
  /** The whole of what was left of the suggestion was taken at once. */
  z.object({ kind: z.literal('accepted'), ...about, text: z.string() }),
  /** The next word or line of the suggestion was taken; `offset` is how much of it had been taken before, in UTF-16 units. */
  z.object({
    kind: z.literal('acceptedPart'),
    ...about,
    unit: z.enum(['word', 'line']),
    text: z.string(),
    offset: z.number().int(),
  }),
  /** The developer typed what the suggestion said; `text` is the typed piece. */
  z.object({ kind: z.literal('typedThrough'), ...about, text: z.string(), offset: z.number().int() }),
  /** The suggestion was dismissed, contradicted by typing (`text` is what was typed instead), or left behind. */
  z.object({
    kind: z.literal('rejected'),
    ...about,
    how: z.enum(['escape', 'typedInstead', 'movedAway']),
    text: z.string(),
  }),
  /** An accepted suggestion was taken back by undo. */
  z.object({ kind: z.literal('undone'), ...about }),
]);
export type Signal = z.infer<typeof signalSchema>;

/** Extension → server, as it happens. */
export const signalNotification = new NotificationType<Signal>('argot/signal');

/** The command on each inline completion item; VS Code runs it when the item is accepted as a whole. */
export const acceptedCommand = 'argot.internal.accepted';

/** Server → extension: of this item the first line was offered while the model wrote on, and now all of it can be had. */
export const grownNotification = new NotificationType<{ readonly itemId: string }>('argot/grown');
