import type { DefinitionsParams } from '#protocol/definitions.ts';
import { importedNamesUsed } from '../context/importedNames.ts';
import type { OpenDocument } from './documents.ts';
import type { Place } from './place.ts';

/** Files that define what a document imports, as the editor's language features say; asked in the background and remembered. */
export interface DefinitionFiles {
  /** What is known now; unknown names are asked for, so that a later call knows more. */
  of(document: OpenDocument, place: Place): readonly string[];
  forget(uri: string): void;
}

/** A definition moves rarely; what the editor did not know may become known when its language features have started. */
const knownForMs = 120_000;
const unknownForMs = 10_000;

export function createDefinitionFiles(
  ask: (params: DefinitionsParams) => Promise<readonly string[]>,
  now: () => number,
): DefinitionFiles {
  const known = new Map<string, Map<string, { readonly uris: readonly string[]; readonly untilMs: number }>>();

  async function learn(uri: string, name: string, position: DefinitionsParams['positions'][number]): Promise<void> {
    const uris = await ask({ uri, positions: [position] }).catch(() => []);
    const others = uris.filter((each) => each !== uri);
    const untilMs = now() + (others.length > 0 ? knownForMs : unknownForMs);
    known.get(uri)?.set(name, { uris: others, untilMs });
  }

  return {
    of({ text }, place) {
      const { uri } = text;
      const names = known.get(uri) ?? new Map();
      known.set(uri, names);
      const start = place.documentOffset - (place.prefix.length - place.lead.length);
      const files = new Set<string>();
      for (const { name, offset } of importedNamesUsed(place.prefix)) {
        const entry = names.get(name);
        for (const file of entry?.uris ?? []) files.add(file);
        if (entry !== undefined && entry.untilMs > now()) continue;
        names.set(name, { uris: entry?.uris ?? [], untilMs: now() + unknownForMs });
        void learn(uri, name, text.positionAt(Math.max(0, start) + offset));
      }
      return [...files];
    },
    forget: (uri) => void known.delete(uri),
  };
}
