import type { ProtocolConnection } from 'vscode-languageserver-protocol/node';
import { getSecretRequest, setSecretRequest } from '#protocol/federationViews.ts';
import type { KeyStore } from './keyStore.ts';

/** The editor's SecretStorage, by way of any window that is connected. */
export interface EditorKeyStore extends KeyStore {
  /** Returns what forgets the window again. */
  add(window: ProtocolConnection): () => void;
  hasWindow(): boolean;
}

export function editorKeyStore(): EditorKeyStore {
  const windows = new Set<ProtocolConnection>();
  const any = (): ProtocolConnection => {
    const [window] = windows;
    if (window === undefined) throw new Error('The keys of the federation lie in the editor, and no window is open.');
    return window;
  };
  return {
    add(window) {
      windows.add(window);
      return () => windows.delete(window);
    },
    hasWindow: () => windows.size > 0,
    async get(name) {
      const value = await any().sendRequest(getSecretRequest, { name });
      return value === null ? undefined : new Uint8Array(Buffer.from(value, 'base64'));
    },
    async set(name, secret) {
      await any().sendRequest(setSecretRequest, { name, value: Buffer.from(secret).toString('base64') });
    },
    async delete(name) {
      await any().sendRequest(setSecretRequest, { name, value: null });
    },
  };
}
