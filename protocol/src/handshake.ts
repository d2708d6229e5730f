import { z } from 'zod';

/**
 * The first line that each side writes on the user socket, before LSP begins. It tells a foreign process, another
 * version and a closing server apart before any document text is sent.
 *
 * The server greets first; the client answers; from then on both speak LSP.
 */
export const protocolVersion = 1;

/** Server → client, one JSON line. `version` is the extension's version that the server was started from. */
export const greetingSchema = z.object({
  argot: z.literal('greeting'),
  protocol: z.number().int(),
  version: z.string(),
  pid: z.number().int(),
});
export type Greeting = z.infer<typeof greetingSchema>;

/**
 * Client → server, one JSON line. `join` goes on with LSP; `drain` asks the server to accept nobody else, finish what
 * runs and exit, because a newer version wants its place. `token` is required on a named pipe, where the file system
 * does not guard the address.
 */
export const replySchema = z.object({
  argot: z.enum(['join', 'drain']),
  protocol: z.number().int(),
  version: z.string(),
  token: z.string().optional(),
});
export type Reply = z.infer<typeof replySchema>;

/** Longest handshake line that either side reads, in bytes: more is a foreign process. */
export const maxHandshakeBytes = 4096;

export function encodeLine(message: Greeting | Reply): string {
  return `${JSON.stringify(message)}\n`;
}

/** What a client does with a server's greeting. */
export type Verdict = 'join' | 'replace' | 'reloadWindow';

/**
 * A server of the client's own version is joined. An older one is asked to drain and replaced. A newer one is joined
 * while it speaks the same protocol; otherwise this window runs an outdated extension and must be reloaded.
 */
export function judgeGreeting(greeting: Greeting, clientVersion: string): Verdict {
  if (greeting.version === clientVersion) return 'join';
  if (isNewer(clientVersion, greeting.version)) return 'replace';
  return greeting.protocol === protocolVersion ? 'join' : 'reloadWindow';
}

/** Compares dotted numeric versions; a part that is not a number counts as 0. */
export function isNewer(a: string, b: string): boolean {
  const left = a.split('.').map((part) => Number.parseInt(part, 10) || 0);
  const right = b.split('.').map((part) => Number.parseInt(part, 10) || 0);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
