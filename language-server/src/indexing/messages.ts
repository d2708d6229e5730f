import { z } from 'zod';

/** Messages between the language server and its index process. Folders and files are named by their paths on this machine. */
export const requestSchema = z.discriminatedUnion('kind', [
  /** Index this folder and keep it; again with other patterns where the settings changed. */
  z.object({ kind: z.literal('open'), root: z.string(), exclude: z.array(z.string()) }),
  z.object({ kind: z.literal('close'), root: z.string() }),
  /** Relative to the root. */
  z.object({ kind: z.literal('changed'), root: z.string(), paths: z.array(z.string()) }),
  /** So much changed that looking at everything is quicker. */
  z.object({ kind: z.literal('rescan'), root: z.string() }),
  /** The text of an open document; absent once it is closed. */
  z.object({ kind: z.literal('overlay'), root: z.string(), path: z.string(), text: z.string().optional() }),
  z.object({
    kind: z.literal('query'),
    id: z.number().int(),
    roots: z.array(z.string()),
    before: z.string(),
    after: z.string(),
    count: z.number().int().positive(),
    /** Files that belong with the document, by imports or by name: their chunks count for more. They need not exist. */
    related: z.array(z.object({ root: z.string(), paths: z.array(z.string()) })),
  }),
]);
export type IndexRequest = z.infer<typeof requestSchema>;

const chunkSchema = z.object({
  root: z.string(),
  path: z.string(),
  /** Lines, from 0; the last is not part of it. */
  start: z.number().int(),
  end: z.number().int(),
  score: z.number(),
  text: z.string(),
});
export type RepositoryChunk = z.infer<typeof chunkSchema>;

export const answerSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('progress'),
    root: z.string(),
    state: z.enum(['scanning', 'ready']),
    files: z.number().int(),
    chunks: z.number().int(),
    sizeBytes: z.number(),
    truncated: z.boolean(),
  }),
  z.object({ kind: z.literal('found'), id: z.number().int(), chunks: z.array(chunkSchema) }),
  z.object({ kind: z.literal('log'), message: z.string() }),
]);
export type IndexAnswer = z.infer<typeof answerSchema>;
export type FolderProgress = Extract<IndexAnswer, { kind: 'progress' }>;
