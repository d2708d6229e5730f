import { describe, expect, it } from 'vitest';
import { catalogue, catalogueEntry, embeddedDefault } from './catalogue.ts';

describe('catalogue', () => {
  it('has unique ids and file names', () => {
    expect(new Set(catalogue.map(({ id }) => id)).size).toBe(catalogue.length);
    expect(new Set(catalogue.map(({ fileName }) => fileName)).size).toBe(catalogue.length);
  });

  it('offers only licences that allow any work', () => {
    expect(catalogue.filter(({ licence }) => !['Apache-2.0', 'MIT'].includes(licence))).toEqual([]);
  });

  it('pins every hub file to a commit and every checksum in full', () => {
    for (const { id, sha256, sources } of catalogue) {
      if (sha256) expect(sha256, id).toMatch(/^[0-9a-f]{64}$/);
      for (const source of sources) if (source.kind === 'hub') expect(source.revision, id).toMatch(/^[0-9a-f]{40}$/);
    }
  });

  it('has the embedded default in a package, and its checksum', () => {
    const entry = catalogueEntry(embeddedDefault);
    expect(entry?.sources.map(({ kind }) => kind)).toEqual(['hub', 'pip']);
    expect(entry?.sha256).toBeDefined();
  });

  it('has models with fill-in-the-middle of at least two families', () => {
    const families = catalogue.filter((entry) => entry.fillInTheMiddle).map(({ id }) => id.split('-')[0]);
    expect(new Set(families)).toEqual(new Set(['granite', 'qwen2.5']));
  });
});
