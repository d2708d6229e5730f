import type { Socket } from 'node:net';
import { encodeLine, type Greeting, maxHandshakeBytes, type Reply, replySchema } from '#protocol/handshake.ts';

/** A client that says nothing for this long after the greeting is not one of ours. */
const replyWithinMs = 5_000;

export type HandshakeOutcome =
  | { readonly kind: 'reply'; readonly reply: Reply }
  | { readonly kind: 'foreign'; readonly why: string };

/** Greets a client and reads its one line of answer; what comes after it stays in the socket for LSP. */
export function greet(socket: Socket, greeting: Greeting, token: string | undefined): Promise<HandshakeOutcome> {
  socket.write(encodeLine(greeting));
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    const finish = (outcome: HandshakeOutcome) => {
      clearTimeout(timer);
      socket.off('data', onData);
      socket.off('close', onClose);
      socket.pause();
      resolve(outcome);
    };
    const foreign = (why: string) => finish({ kind: 'foreign', why });
    const onClose = () => foreign('it closed the connection');
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf(0x0a);
      if (end < 0) {
        if (received.length > maxHandshakeBytes) foreign('its first line is too long');
        return;
      }
      const outcome = judge(received.subarray(0, end).toString('utf8'), token);
      const rest = received.subarray(end + 1);
      finish(outcome);
      if (rest.length > 0) socket.unshift(rest);
    };
    const timer = setTimeout(() => foreign('it did not answer the greeting'), replyWithinMs);
    socket.on('data', onData);
    socket.on('close', onClose);
  });
}

function judge(line: string, token: string | undefined): HandshakeOutcome {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return { kind: 'foreign', why: 'its first line is not JSON' };
  }
  const parsed = replySchema.safeParse(json);
  if (!parsed.success) return { kind: 'foreign', why: 'its first line is not an answer to the greeting' };
  if (token !== undefined && parsed.data.token !== token) return { kind: 'foreign', why: 'it does not know the token' };
  return { kind: 'reply', reply: parsed.data };
}
