import type { Deletion, ExampleQuery, ExampleStore } from '../../store/exampleStore.ts';
import type { Example } from '../example.ts';

/** Examples in memory, for tests that are about something else than the store. */
export function memoryStore(examples: Example[]): ExampleStore {
  const listeners = new Set<(deletion: Deletion) => void>();
  const uses = new Map<string, readonly string[]>();
  const fitting = ({ fromMs = 0 }: ExampleQuery = {}) => examples.filter(({ createdAtMs }) => createdAtMs >= fromMs);
  const adaptersUsing = (ids: readonly string[]) =>
    [...uses].filter(([, used]) => used.some((id) => ids.includes(id))).map(([adapter]) => adapter);
  return {
    async add(example) {
      examples.push(example);
      return { kind: 'added' };
    },
    list: async (query) => fitting(query),
    async counts(query) {
      const found = fitting(query);
      return {
        total: found.length,
        byKind: { accepted: 0, partial: 0, corrected: 0, typedInstead: 0, undone: 0, ownHistory: 0 },
        byRepository: new Map(),
      };
    },
    async delete(ids) {
      const adapterIds = adaptersUsing(ids);
      examples.splice(0, examples.length, ...examples.filter(({ id }) => !ids.includes(id)));
      for (const listener of listeners) listener({ ids, adapterIds });
      return { ok: true };
    },
    async deleteAll() {
      examples.length = 0;
      return { ok: true };
    },
    async markUsed(adapterId, ids) {
      uses.set(adapterId, ids);
      return { ok: true };
    },
    adaptersUsing: async (ids) => adaptersUsing(ids),
    async forgetAdapter(adapterId) {
      uses.delete(adapterId);
      return { ok: true };
    },
    onDeleted(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
