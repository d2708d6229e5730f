import { setPriority } from 'node:os';
import { z } from 'zod';
import { createIndexService } from './indexService.ts';
import { type IndexAnswer, requestSchema } from './messages.ts';

/** The index process: started by the language server (`indexClient.ts`), speaks by messages, ends with it. */
const { ARGOT_INDEX_STORAGE: storage } = z.object({ ARGOT_INDEX_STORAGE: z.string().min(1) }).parse(process.env);
/** Below what the developer waits for; a system that refuses leaves it as it is. */
const lowPriority = 10;

try {
  setPriority(lowPriority);
} catch {
  // Indexing at normal priority is still indexing.
}

const send = (answer: IndexAnswer): void =>
  // A server that was killed leaves a broken pipe, sometimes before it is noticed as disconnected.
  void process.send?.(answer, undefined, undefined, (error) => error !== null && process.exit(0));
const handle = createIndexService({ storage, send });
process.on('message', (message) => {
  const request = requestSchema.safeParse(message);
  if (!request.success) return send({ kind: 'log', message: `A request was not understood: ${request.error.message}` });
  handle(request.data).catch((error: unknown) => {
    send({ kind: 'log', message: `${request.data.kind}: ${error instanceof Error ? error.stack : String(error)}` });
    if (request.data.kind === 'query') send({ kind: 'found', id: request.data.id, chunks: [] });
  });
});
process.on('disconnect', () => process.exit(0));
