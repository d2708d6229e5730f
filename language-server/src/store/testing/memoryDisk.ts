import { dirname } from 'node:path';
import type { FileSystem } from '../fileSystem.ts';

interface Node {
  now: Buffer;
  synced: Buffer;
}

export interface MemoryDisk extends FileSystem {
  /** Calls so far that could have changed something. */
  readonly calls: () => number;
  /** The call with this number fails with this code; a write that fails has written its first half. `all` goes on failing. */
  failAt(call: number, code: string, how: 'once' | 'all'): void;
  heal(): void;
  /**
   * The disk after the power failed: what was synced, and of the rest whatever chance left. Writes are lost from some
   * byte on; names that were not synced are there or not.
   */
  afterPowerCut(random: () => number): MemoryDisk;
  /** The bytes of each file. */
  contents(): ReadonlyMap<string, Buffer>;
  set(path: string, bytes: Buffer): void;
}

/** A disk in memory that knows what of it would last. */
export function createMemoryDisk(initial: ReadonlyMap<string, Buffer> = new Map()): MemoryDisk {
  const names = new Map<string, Node>();
  for (const [path, bytes] of initial) names.set(path, { now: bytes, synced: bytes });
  let lasting = new Map(names);
  let calls = 0;
  let failing: { readonly call: number; readonly code: string; readonly how: 'once' | 'all' } | undefined;

  function fails(): NodeJS.ErrnoException | undefined {
    calls++;
    if (failing === undefined || (failing.how === 'once' ? calls !== failing.call : calls < failing.call)) return;
    return Object.assign(new Error(`${failing.code}: made to fail`), { code: failing.code });
  }
  function act(): void {
    const error = fails();
    if (error !== undefined) throw error;
  }
  function nodeAt(path: string): Node {
    const node = names.get(path);
    if (node === undefined) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT' });
    return node;
  }

  return {
    calls: () => calls,
    failAt(call, code, how) {
      failing = { call: calls + call, code, how };
    },
    heal() {
      failing = undefined;
    },
    async makeFolder() {
      act();
    },
    async list(path) {
      return [...names.keys()].flatMap((name) => (dirname(name) === path ? name.slice(path.length + 1) : []));
    },
    async read(path) {
      return Buffer.from(nodeAt(path).now);
    },
    async open(path, how) {
      act();
      if (how === 'create') names.set(path, { now: Buffer.alloc(0), synced: Buffer.alloc(0) });
      const node = nodeAt(path);
      return {
        async writeAt(bytes, position) {
          const error = fails();
          const written = error === undefined ? bytes : bytes.subarray(0, bytes.length >> 1);
          const grown = Buffer.alloc(Math.max(node.now.length, position + written.length));
          node.now.copy(grown);
          written.copy(grown, position);
          node.now = grown;
          if (error !== undefined) throw error;
        },
        async truncate(size) {
          act();
          node.now = Buffer.from(node.now.subarray(0, size));
        },
        async sync() {
          act();
          node.synced = node.now;
        },
        async close() {},
      };
    },
    async rename(from, to) {
      act();
      names.set(to, nodeAt(from));
      names.delete(from);
    },
    async remove(path) {
      act();
      for (const name of [...names.keys()]) if (name === path || name.startsWith(`${path}/`)) names.delete(name);
    },
    async syncFolder(path) {
      act();
      for (const name of [...lasting.keys()]) if (dirname(name) === path && !names.has(name)) lasting.delete(name);
      for (const [name, node] of names) if (dirname(name) === path) lasting.set(name, node);
    },
    afterPowerCut(random) {
      const left = new Map<string, Buffer>();
      for (const path of new Set([...lasting.keys(), ...names.keys()])) {
        const node = lasting.get(path) === names.get(path) || random() < 0.5 ? lasting.get(path) : names.get(path);
        if (node !== undefined) left.set(path, torn(node, random));
      }
      return createMemoryDisk(left);
    },
    contents: () => new Map([...names].map(([path, node]) => [path, node.now])),
    set(path, bytes) {
      const node = { now: bytes, synced: bytes };
      names.set(path, node);
      lasting = new Map(lasting).set(path, node);
    },
  };
}

/** The new bytes up to some place, then the old ones. */
function torn({ now, synced }: Node, random: () => number): Buffer {
  if (now.equals(synced)) return now;
  let same = 0;
  while (same < now.length && now[same] === synced[same]) same++;
  const upTo = same + Math.floor(random() * (now.length - same + 1));
  return Buffer.concat([now.subarray(0, upTo), synced.subarray(Math.min(upTo, synced.length))]);
}
