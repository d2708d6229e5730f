import type { HttpRequest, HttpResponse } from '#protocol/federation/httpBoard.ts';

/** Requests of the lead's commands, by Node's own client. */
export async function fetchHttp(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse> {
  const body = request.body === undefined ? null : new Uint8Array(request.body);
  const response = await fetch(request.url, { method: request.method, headers: request.headers, body, signal });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, header: (name) => response.headers.get(name) ?? undefined, body: bytes };
}
