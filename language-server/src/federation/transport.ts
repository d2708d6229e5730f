import type { HttpRequest, SendHttp } from '#protocol/federation/httpBoard.ts';
import type { Network } from '../network/outbound.ts';

/** Larger than any sum of the largest adapter: an answer that goes on longer is not one of ours. */
const largestAnswerBytes = 1 << 28;

/** Carries requests to the coordinator through the one way out of this machine, with words for its ledger. */
export function coordinatorTransport(network: Pick<Network, 'send'>, team: string): SendHttp {
  return async (request, signal) => {
    const about = `${aboutOf(request)} of team ${team}`;
    const answer = await network.send({ ...request, purpose: 'federation', about }, signal);
    const pieces: Uint8Array[] = [];
    let length = 0;
    for await (const piece of answer.body) {
      if (!(piece instanceof Uint8Array)) throw new TypeError('The body of an answer gives bytes.');
      length += piece.length;
      if (length > largestAnswerBytes) throw new Error('The coordinator’s answer is too long.');
      pieces.push(piece);
    }
    const body = new Uint8Array(Buffer.concat(pieces));
    return { status: answer.status, header: (name) => answer.headers[name], body };
  };
}

function aboutOf({ method, url }: HttpRequest): string {
  const path = new URL(url).pathname;
  if (method === 'PUT') return 'the masked update for a round';
  if (method !== 'POST') return 'a question about the rounds';
  if (path.endsWith('/uploads')) return 'sealed shares of mask seeds for a round';
  if (path.endsWith('/releases')) return 'opened shares of mask seeds for a round';
  if (path.endsWith('/votes')) return 'a vote on a round';
  return path.endsWith('/membership') ? 'name or public keys for the membership' : 'a message for the coordinator';
}
