import { RequestType } from 'vscode-languageserver-protocol';
import { z } from 'zod';
import { linkFields } from './chain.ts';

/**
 * The ledger of what left: an entry is on disk before the bytes that it tells of leave. Bytes are those of request line,
 * headers and body, without what encryption adds.
 */
const what = {
  ...linkFields,
  /** The origin, such as `https://example.org`. */
  to: z.string(),
  purpose: z.enum(['modelDownload', 'federation']),
  /** For the developer, in words. */
  about: z.string().max(300),
};
export const leftSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('request'),
    ...what,
    method: z.string(),
    path: z.string(),
    bytes: z.int().gte(0),
  }),
  /** Another program's connection, such as pip's, was let through; what it says there is its own. */
  z.strictObject({ kind: z.literal('tunnel'), ...what }),
  /** `of` is the index of its `tunnel`. Where this is missing, the process ended first and the bytes are not known. */
  z.strictObject({ kind: z.literal('tunnelClosed'), ...what, of: z.int().gte(0), bytes: z.int().gte(0) }),
]);
export type Left = Readonly<z.infer<typeof leftSchema>>;

/** Whether the chain holds from its first line to its last known one. */
export type LedgerCheck =
  | { readonly ok: true; readonly entries: number; readonly bytes: number; readonly path: string }
  | { readonly ok: false; readonly message: string; readonly path: string };

export interface ReadLeftResult {
  readonly check: LedgerCheck;
  /** The newest last; as many as were asked for. */
  readonly entries: readonly Left[];
}

/** Extension → server, for the dashboard and for “Verify” and “Export the Ledger of What Left”. */
export type ReadLeftParams = { readonly newest: number };
export const readLeftRequest = new RequestType<ReadLeftParams, ReadLeftResult, void>('argot/ledger/left');

/** Extension → server: write a copy of the ledger, after it was checked, to a file that must not be there yet. */
export type ExportLeftParams = { readonly path: string };
export const exportLeftRequest = new RequestType<ExportLeftParams, LedgerCheck, void>('argot/ledger/export');
