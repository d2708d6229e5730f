import { NotificationType } from 'vscode-languageserver-protocol';
import { z } from 'zod';

/** What the extension tells in `initializationOptions`; the rest of the settings follow by `workspace/didChangeConfiguration`. */
export const initializationSchema = z.object({
  settings: z.unknown(),
  /** False in an untrusted workspace: nothing that the repository supplies is used. */
  trusted: z.boolean(),
});
export type Initialization = z.infer<typeof initializationSchema>;

/** Extension → server: the cursor rests elsewhere, without an edit. The server may prepare the model for that place. */
export const cursorSchema = z.object({
  uri: z.string(),
  version: z.number().int(),
  line: z.number().int(),
  character: z.number().int(),
});
export type CursorParams = z.infer<typeof cursorSchema>;
export const cursorNotification = new NotificationType<CursorParams>('argot/cursor');

/** Extension → server: documents whose tabs are visible, most recently used first; and whether Argot is on for each. */
export const openTabsSchema = z.object({ uris: z.array(z.string()).max(100) });
export type OpenTabsParams = z.infer<typeof openTabsSchema>;
export const openTabsNotification = new NotificationType<OpenTabsParams>('argot/openTabs');
