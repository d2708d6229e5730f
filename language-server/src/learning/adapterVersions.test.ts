import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AdapterDraft } from './adapterCard.ts';
import { type AdapterBase, type AdapterVersions, openAdapterVersions } from './adapterVersions.ts';
import { better, sampleAdapter, sampleBase } from './testing/sampleAdapter.ts';

describe('adapter versions', () => {
  let home: string;
  let base: AdapterBase;
  let clock: number;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'argot-versions-'));
    base = await sampleBase(home);
    clock = Date.UTC(2026, 0, 1);
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  const open = () => openAdapterVersions(home, () => (clock += 1000));
  const files = async () => (await readdir(join(home, 'adapters'))).sort();
  const activeIds = (versions: AdapterVersions) => versions.active('aa').map(({ card }) => card.id);

  async function added(versions: AdapterVersions, label: string, draft: Partial<AdapterDraft> = {}): Promise<string> {
    const file = await sampleAdapter(home, 'made.gguf', { label });
    const outcome = await versions.add(
      file,
      {
        ...{ kind: 'personal', origin: 'trained', base: { sha256: 'aa', name: 'Sample' } },
        ...{ parents: [], exampleIds: ['e1'], counts: { tokens: 5000 }, gate: better },
        ...draft,
      },
      base,
    );
    if (!outcome.ok) throw new Error(outcome.message);
    return outcome.version.card.id;
  }

  it('keeps versions and what is active across a restart', async () => {
    const versions = await open();
    const [first, second] = [await added(versions, 'one'), await added(versions, 'two')];
    expect(first).not.toBe(second);
    await versions.activate(first, 1);
    await versions.activate(second, 0.5);
    const again = await open();
    expect(again.list().map(({ card }) => card.id)).toEqual([second, first]);
    expect(again.active('aa')).toMatchObject([{ scale: 0.5, card: { id: second, rank: 4, targets: ['q'] } }]);
    expect(again.active('another base')).toEqual([]);
    expect(again.complaints()).toEqual([]);
  });

  it('makes nothing active that the gate did not pass', async () => {
    const versions = await open();
    const unjudged = await added(versions, 'one', { gate: undefined });
    expect(await versions.activate(unjudged, 1)).toMatchObject({ ok: false, problem: 'notJudged' });
    await versions.judge(unjudged, { ...better, verdict: 'forgets' });
    expect(await versions.activate(unjudged, 1)).toMatchObject({ ok: false, problem: 'notJudged' });
    await versions.judge(unjudged, better);
    expect(await versions.activate(unjudged, 1)).toEqual({ ok: true });
  });

  it('rolls back step by step, to the base model in the end', async () => {
    const versions = await open();
    const [first, second] = [await added(versions, 'one'), await added(versions, 'two')];
    await versions.activate(first, 1);
    await versions.activate(second, 1);
    expect(await versions.rollback('personal', 'aa')).toEqual({ ok: true, active: first });
    expect(activeIds(await open())).toEqual([first]);
    expect(await versions.rollback('personal', 'aa')).toEqual({ ok: true, active: undefined });
    expect(await versions.rollback('personal', 'aa')).toMatchObject({ ok: false, problem: 'nothingBefore' });
  });

  it('stacks the team’s adapter below the personal one, and leaves out a scale of 0', async () => {
    const versions = await open();
    const personal = await added(versions, 'one');
    const team = await added(versions, 'two', { kind: 'team', origin: 'round' });
    await versions.activate(personal, 0.5);
    await versions.activate(team, 1);
    // The personal one has not been judged beside the team's: it rests until it is.
    expect(activeIds(versions)).toEqual([team]);
    expect(versions.unjudged('aa')?.card.id).toBe(personal);
    await versions.activate(personal, 0.5);
    expect(versions.unjudged('aa')).toBeUndefined();
    expect(activeIds(versions)).toEqual([team, personal]);
    await versions.activate(personal, 0);
    expect(activeIds(versions)).toEqual([team]);
  });

  it('goes back to the version before one that is deleted, and leaves no file of it', async () => {
    const versions = await open();
    const [first, second] = [await added(versions, 'one'), await added(versions, 'two')];
    await versions.activate(first, 1);
    await versions.activate(second, 1);
    await versions.remove([second]);
    expect(activeIds(await open())).toEqual([first]);
    expect(await files()).toEqual([`${first}.gguf`, `${first}.json`, 'active.json'].sort());
  });

  it('exports a file that another machine with the same base imports, to be judged there', async () => {
    const versions = await open();
    const id = await added(versions, 'one');
    const out = join(home, 'exported.gguf');
    expect(await versions.exportTo(id, out)).toEqual({ ok: true });
    const imported = await versions.importFrom(out, 'team', base);
    if (!imported.ok) throw new Error(imported.message);
    expect(imported.version.card).toMatchObject({ origin: 'imported', kind: 'team', exampleIds: [] });
    expect(await readFile(imported.version.path)).toEqual(await readFile(out));
    expect(await versions.activate(imported.version.card.id, 1)).toMatchObject({ problem: 'notJudged' });
  });

  it.each([
    ['another base', { baseSha256: 'bb' }, 'otherBase'],
    ['another architecture', { architecture: 'qwen2' }, 'otherBase'],
    ['a matrix of another size', { out: 48 }, 'otherShape'],
  ] as const)('refuses to import an adapter of %s', async (_, about, problem) => {
    const versions = await open();
    const outcome = await versions.importFrom(await sampleAdapter(home, 'other.gguf', about), 'personal', base);
    expect(outcome).toMatchObject({ ok: false, problem });
    expect(versions.list()).toEqual([]);
  });

  it('refuses to import what is no adapter', async () => {
    const versions = await open();
    expect(await versions.importFrom(join(home, 'base.gguf'), 'team', base)).toMatchObject({ problem: 'notAnAdapter' });
    await writeFile(join(home, 'text.gguf'), 'hello');
    expect(await versions.importFrom(join(home, 'text.gguf'), 'team', base)).toMatchObject({ problem: 'notAnAdapter' });
    expect(await versions.importFrom(join(home, 'no'), 'team', base)).toMatchObject({ problem: 'notAnAdapter' });
  });

  it('clears what a killed process left half done', async () => {
    const versions = await open();
    const id = await added(versions, 'one');
    const folder = join(home, 'adapters');
    await writeFile(join(folder, 'personal-half.gguf'), 'a file whose card was not written');
    await writeFile(join(folder, '.active.json.1234'), 'half');
    expect((await open()).list().map(({ card }) => card.id)).toEqual([id]);
    expect(await files()).toEqual([`${id}.gguf`, `${id}.json`]);
  });

  it('whichever byte is flipped, starts, says so, and uses only what is whole', async () => {
    const versions = await open();
    const [first, second] = [await added(versions, 'one'), await added(versions, 'two')];
    await versions.activate(first, 1);
    await versions.activate(second, 1);
    const whole = new Map<string, Buffer>();
    for (const name of await files()) whole.set(name, await readFile(join(home, 'adapters', name)));
    for (const [name, bytes] of whole) {
      for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 25)) {
        await rm(join(home, 'adapters'), { recursive: true });
        const damaged = await open();
        expect(activeIds(damaged)).toEqual([]);
        for (const [each, content] of whole) await writeFile(join(home, 'adapters', each), content);
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ 4;
        await writeFile(join(home, 'adapters', name), flipped);
        const opened = await open();
        const expected = name === 'active.json' ? [] : name.startsWith(second) ? [first] : [second];
        expect([name, at, activeIds(opened)]).toEqual([name, at, expected]);
        // A damaged envelope that still says the same is no damage.
        if (name.startsWith(second)) expect(opened.complaints()).toHaveLength(1);
      }
    }
  });

  it('a full disk is an outcome, and changes nothing', async () => {
    const versions = await open();
    const id = await added(versions, 'one');
    await rm(join(home, 'adapters'), { recursive: true });
    expect(await versions.pin('personal', 'aa', true)).toMatchObject({ ok: false, problem: 'disk' });
    expect(versions.slot('personal', 'aa').pinned).toBe(false);
    expect(await versions.activate(id, 1)).toMatchObject({ ok: false, problem: 'damaged' });
  });
});
