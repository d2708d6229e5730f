import type { SendHttp } from '#protocol/federation/httpBoard.ts';

/** Carries a request to the coordinator. All of federation's traffic goes through this one function. */
export const sendHttp: SendHttp = async (request, signal) => {
  const body = request.body === undefined ? null : new Uint8Array(request.body);
  // A redirect could lead anywhere, and a signature is for one address only.
  const response = await fetch(request.url, {
    method: request.method,
    headers: request.headers,
    body,
    signal,
    redirect: 'error',
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, header: (name) => response.headers.get(name) ?? undefined, body: bytes };
};
