import { getSecretRequest, setSecretRequest } from '#protocol/federationViews.ts';
import type { Client } from './client.ts';

/** Keeps the server's secrets as an editor does, in memory. */
export function keepSecrets({ connection }: Pick<Client, 'connection'>): Map<string, string> {
  const secrets = new Map<string, string>();
  connection.onRequest(getSecretRequest, ({ name }) => secrets.get(name) ?? null);
  connection.onRequest(setSecretRequest, ({ name, value }) => {
    if (value === null) secrets.delete(name);
    else secrets.set(name, value);
    return null;
  });
  return secrets;
}
