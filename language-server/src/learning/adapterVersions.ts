import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { diskFault } from '../engine/faults.ts';
import type { GgufFile } from '../engine/gguf.ts';
import { createQueue } from '../engine/queue.ts';
import {
  type AdapterCard,
  type AdapterDraft,
  type AdapterKind,
  adapterCardSchema,
  adapterKinds,
  type GateReport,
} from './adapterCard.ts';
import { readAdapterFile, sha256OfFile } from './adapterFile.ts';
import { type AdapterVersion, isWhole, landCopy, readSlots, readVersions, slotsFile } from './adapterFolder.ts';
import {
  type AdapterSlot,
  type AdapterSlots,
  activated,
  rolledBack,
  slotOf,
  without,
  withSlot,
} from './adapterSlots.ts';
import { setAside, writeChecked } from './checkedFile.ts';

export type { AdapterVersion } from './adapterFolder.ts';

export interface ActiveAdapter extends AdapterVersion {
  readonly scale: number;
}

export type AdapterProblem =
  | 'unknownVersion'
  | 'notJudged'
  | 'nothingBefore'
  | 'notAnAdapter'
  | 'otherBase'
  | 'otherShape'
  | 'damaged'
  | 'disk';

export interface AdapterFailure {
  readonly ok: false;
  readonly problem: AdapterProblem;
  readonly message: string;
}

export type AdapterOutcome = { readonly ok: true } | AdapterFailure;
export type AddOutcome = { readonly ok: true; readonly version: AdapterVersion } | AdapterFailure;
/** `active` is the version in use afterwards; undefined means the base model. */
export type RollbackOutcome = { readonly ok: true; readonly active: string | undefined } | AdapterFailure;

/** The model that adapters are made for: its checksum, its name, and its header, against which shapes are checked. */
export interface AdapterBase {
  readonly sha256: string;
  readonly name: string;
  readonly gguf: GgufFile;
}

/**
 * The adapters of one user: each version is a file with a name of its own and a card, never changed in place. What is
 * active stands in one small file that is replaced by rename, and is written after the version it names: a process that
 * is killed at any moment leaves the old state or the new one. Nothing becomes active that the gate did not pass.
 */
export interface AdapterVersions {
  /** Newest first. */
  list(): readonly AdapterVersion[];
  find(id: string): AdapterVersion | undefined;
  /** Team before personal; scales of 0, and what `unjudged` gives, are left out. */
  active(baseSha256: string): readonly ActiveAdapter[];
  /** The personal version that rests since the team's changed: it has not been judged beside the one in use now. */
  unjudged(baseSha256: string): AdapterVersion | undefined;
  slot(kind: AdapterKind, baseSha256: string): AdapterSlot;
  /** Takes over a file that was made elsewhere on this disk; it is copied, so that its maker may remove it. */
  add(file: string, draft: AdapterDraft, base: AdapterBase): Promise<AddOutcome>;
  /** Writes what the gate found into the card. */
  judge(id: string, report: GateReport): Promise<AdapterOutcome>;
  /** Refused unless the gate found the version better. A pinned slot is a person's: callers that act by themselves ask first. */
  activate(id: string, scale: number): Promise<AdapterOutcome>;
  rollback(kind: AdapterKind, baseSha256: string): Promise<RollbackOutcome>;
  pin(kind: AdapterKind, baseSha256: string, pinned: boolean): Promise<AdapterOutcome>;
  /** Active ones give way to what was active before them. */
  remove(ids: readonly string[]): Promise<AdapterOutcome>;
  /** All personal versions, and every file that was set aside as damaged. */
  removePersonal(): Promise<AdapterOutcome>;
  exportTo(id: string, path: string): Promise<AdapterOutcome>;
  /** Checked against the base's checksum and shape; the gate judges it before it may become active. */
  importFrom(path: string, kind: AdapterKind, base: AdapterBase): Promise<AddOutcome>;
  /** One sentence for each file that was found damaged and set aside. */
  complaints(): readonly string[];
  onChange(listener: () => void): () => void;
}

/** Opens `<home>/adapters`; what a killed process left half done is cleared away. Throws where the disk can't be read. */
export async function openAdapterVersions(home: string, now: () => number = Date.now): Promise<AdapterVersions> {
  const folder = join(home, 'adapters');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const complaints: string[] = [];
  const listeners = new Set<() => void>();
  const enqueue = createQueue();
  const versions = await readVersions(folder, complaints);
  let slots = await readSlots(folder, complaints);
  const fit = without(slots, (id) => versions.get(id)?.card.gate?.verdict !== 'better');
  const damaged = new Set<string>();
  for (const { history } of fit.slots) {
    for (const { id } of history) if (!(await isWhole(versions.get(id)))) damaged.add(id);
  }
  for (const id of damaged) {
    complaints.push(`Adapter ${id} was damaged on disk and is not used; what was active before it is.`);
    versions.delete(id);
    await setAside(join(folder, `${id}.gguf`));
  }
  slots = without(fit, (id) => damaged.has(id));

  const state = (kind: AdapterKind, base: string) => slotOf(slots, kind, base);
  const find = (id: string) => versions.get(id);
  /** The present entry of a slot with its version. */
  function present(kind: AdapterKind, base: string) {
    const last = state(kind, base).history.at(-1);
    const version = last === undefined ? undefined : find(last.id);
    return last === undefined || version === undefined ? undefined : { last, version };
  }
  function teamInUse(base: string): string | null {
    const team = present('team', base);
    return team === undefined || team.last.scale === 0 ? null : team.version.card.id;
  }
  const isJudged = (kind: AdapterKind, base: string, beside: string | null) =>
    kind === 'team' || beside === teamInUse(base);

  async function keepSlots(next: AdapterSlots): Promise<void> {
    await writeChecked(slotsFile(folder), next);
    slots = next;
  }

  /** One change at a time; what the disk refuses is an outcome, and changes nothing. */
  function change<O extends AdapterOutcome>(work: () => Promise<O | AdapterFailure>): Promise<O | AdapterFailure> {
    return enqueue<O | AdapterFailure>(async () => {
      try {
        const outcome = await work();
        if (outcome.ok) for (const listener of listeners) listener();
        return outcome;
      } catch (error) {
        return { ok: false, problem: 'disk', message: diskFault(error, folder).message };
      }
    });
  }

  async function take(file: string, draft: AdapterDraft, base: AdapterBase): Promise<AddOutcome> {
    const checked = await readAdapterFile(file, base.gguf, base.sha256);
    if (!checked.ok) return checked;
    const id = `${draft.kind}-${new Date(now()).toISOString().replace(/[-:]|\..*/g, '')}-${randomUUID().slice(0, 8)}`;
    const path = join(folder, `${id}.gguf`);
    await landCopy(file, path);
    const { rank, targets, sizeBytes } = checked.header;
    const card = adapterCardSchema.parse({
      ...{ format: 1, id, createdAtMs: now(), sha256: await sha256OfFile(path), sizeBytes, rank, targets },
      ...draft,
    });
    try {
      await writeChecked(join(folder, `${id}.json`), card);
    } catch (error) {
      // A full disk has no room for what nobody can use.
      await rm(path, { force: true }).catch(() => undefined);
      throw error;
    }
    const version = { card, path };
    versions.set(id, version);
    return { ok: true, version };
  }

  async function drop(ids: readonly string[]): Promise<AdapterOutcome> {
    await keepSlots(without(slots, (id) => ids.includes(id)));
    for (const id of ids) {
      await rm(join(folder, `${id}.json`), { force: true });
      await rm(join(folder, `${id}.gguf`), { force: true });
      // Not before: what the disk refused to remove is still there, to be removed again.
      versions.delete(id);
    }
    return { ok: true };
  }

  return {
    list: () => [...versions.values()].sort((a, b) => b.card.createdAtMs - a.card.createdAtMs),
    find,
    active: (base) =>
      adapterKinds.flatMap((kind) => {
        const own = present(kind, base);
        if (own === undefined || own.last.scale === 0 || !isJudged(kind, base, own.last.beside)) return [];
        return [{ ...own.version, scale: own.last.scale }];
      }),
    unjudged(base) {
      const own = present('personal', base);
      return own === undefined || isJudged('personal', base, own.last.beside) ? undefined : own.version;
    },
    slot: state,
    add: (file, draft, base) => change(() => take(file, draft, base)),
    judge: (id, report) =>
      change<AdapterOutcome>(async () => {
        const version = find(id);
        if (version === undefined) return unknown(id);
        const card = { ...version.card, gate: report };
        await writeChecked(join(folder, `${id}.json`), card);
        versions.set(id, { ...version, card });
        return { ok: true };
      }),
    activate: (id, scale) =>
      change<AdapterOutcome>(async () => {
        const version = find(id);
        if (version === undefined) return unknown(id);
        const { kind, base, gate } = version.card;
        if (gate?.verdict !== 'better') {
          const message = `Adapter ${id} was not found better than what is in use, so it stays out of use.`;
          return { ok: false, problem: 'notJudged', message };
        }
        if (!(await isWhole(version))) {
          return { ok: false, problem: 'damaged', message: `Adapter ${id} is damaged on disk. Delete it.` };
        }
        const beside = kind === 'team' ? null : teamInUse(base.sha256);
        await keepSlots(withSlot(slots, activated(state(kind, base.sha256), { id, scale, sinceMs: now(), beside })));
        return { ok: true };
      }),
    rollback: (kind, base) =>
      change<RollbackOutcome>(async () => {
        if (state(kind, base).history.length === 0) {
          return {
            ok: false,
            problem: 'nothingBefore',
            message: `No ${kind} adapter is in use: nothing to roll back.`,
          };
        }
        await keepSlots(withSlot(slots, rolledBack(state(kind, base))));
        return { ok: true, active: state(kind, base).history.at(-1)?.id };
      }),
    pin: (kind, base, pinned) =>
      change<AdapterOutcome>(async () => {
        await keepSlots(withSlot(slots, { ...state(kind, base), pinned }));
        return { ok: true };
      }),
    remove: (ids) => change<AdapterOutcome>(() => drop(ids)),
    removePersonal: () =>
      change<AdapterOutcome>(async () => {
        const personal = [...versions.values()].filter(({ card }) => card.kind === 'personal');
        await drop(personal.map(({ card }) => card.id));
        for (const name of await readdir(folder)) if (name.endsWith('.damaged')) await rm(join(folder, name));
        return { ok: true };
      }),
    exportTo: (id, path) =>
      change<AdapterOutcome>(async () => {
        const version = find(id);
        if (version === undefined) return unknown(id);
        await landCopy(version.path, path);
        return { ok: true };
      }),
    importFrom: (path, kind, base) =>
      change(() =>
        take(path, { kind, origin: 'imported', base: baseOf(base), parents: [], exampleIds: [], counts: {} }, base),
      ),
    complaints: () => complaints,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** How a card names the model that an adapter is made for. */
export function baseOf({ sha256, name }: AdapterBase): AdapterCard['base'] {
  return { sha256, name };
}

function unknown(id: string): AdapterFailure {
  return { ok: false, problem: 'unknownVersion', message: `There is no adapter ${id} any more.` };
}
