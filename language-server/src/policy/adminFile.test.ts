import { describe, expect, it } from 'vitest';
import { type Access, type AdminFile, adminFileState } from './adminFile.ts';
import type { Field } from './fields.ts';
import { effectivePolicy, type Layer, valueFor } from './layers.ts';
import { type Limit, sortedSet } from './limits.ts';

type Present = Extract<AdminFile, { found: 'present' }>;
const root: Access = { system: 'posix', uid: 0, mode: 0o644 };

function file(content: string | Uint8Array, changes: Partial<Present> = {}): Present {
  return {
    found: 'present',
    path: '/etc/argot/policy.json',
    regular: true,
    symlink: false,
    access: root,
    folders: [
      { path: '/etc', symlink: false, access: { system: 'posix', uid: 0, mode: 0o755 } },
      { path: '/etc/argot', symlink: false, access: { system: 'posix', uid: 0, mode: 0o755 } },
    ],
    content: typeof content === 'string' ? Buffer.from(content) : content,
    ...changes,
  };
}

function limitsOf(state: ReturnType<typeof adminFileState>): ReadonlyMap<Field, Limit> {
  if (state.state === 'none') throw new Error('There is a file.');
  return state.layer.limits;
}

const good =
  '{"schema": 1, "policy": {"federation": false, "minimumCohort": 8, "coordinators": ["https://C.example"]}}';

describe('an admin file that can be relied on', () => {
  it('is a layer', () => {
    const state = adminFileState(file(good));
    expect(state.state).toBe('holds');
    expect(limitsOf(state).get('federation')).toEqual({ kind: 'allowed', allowed: false });
    expect(limitsOf(state).get('minimumCohort')).toEqual({ kind: 'atLeast', least: 8 });
    expect(limitsOf(state).get('coordinators')).toEqual({ kind: 'only', of: ['https://c.example'] });
    expect(limitsOf(state).size).toBe(3);
  });

  it('may hold quotes, colons and braces in its texts', () => {
    const exclude = ['"a": {b}', 'c\\": "d', '\\\\'];
    const state = adminFileState(file(JSON.stringify({ schema: 1, policy: { exclude, learning: false } })));
    expect(state.state).toBe('holds');
    expect(limitsOf(state).get('exclude')).toEqual({ kind: 'all', of: sortedSet(exclude) });
  });

  it('may begin with a byte-order mark, name its schema, and pin the organisation', () => {
    const key = 'ab'.repeat(32);
    const content = `\uFEFF{"$schema": "x", "schema": 1, "organisation": {"key": "${key}"}, "policy": {}}`;
    expect(adminFileState(file(content))).toMatchObject({ state: 'holds', organisation: { key, minimumVersion: 0 } });
  });

  it('may be absent', () => {
    expect(adminFileState({ found: 'absent' })).toEqual({ state: 'none' });
  });

  it('on Windows belongs to an administrator and is written by nobody else', () => {
    const access = (owner: string, writers: string[]): Access => ({ system: 'windows', owner, writers });
    const at = (own: Access) => adminFileState(file(good, { access: own, folders: [] }));
    expect(at(access('S-1-5-32-544', ['S-1-5-18', 'S-1-5-32-544'])).state).toBe('holds');
    expect(at(access('S-1-5-21-1-2-3-1001', []))).toMatchObject({ reason: 'wrongOwner' });
    expect(at(access('S-1-5-18', ['S-1-5-32-545']))).toMatchObject({ reason: 'writableByOthers' });
  });
});

describe('an admin file that somebody else may have made', () => {
  const others: Access = { system: 'posix', uid: 1000, mode: 0o644 };
  const folder = (changes: Partial<Present['folders'][number]>): Partial<Present> => ({
    folders: [{ path: '/etc/argot', symlink: false, access: { system: 'posix', uid: 0, mode: 0o755 }, ...changes }],
  });

  it.each<[string, Partial<Present>, string, string]>([
    ['is a symbolic link', { symlink: true }, 'symlink', 'is a symbolic link'],
    ['is a folder or a pipe', { regular: false }, 'notAFile', 'not a regular file'],
    ['belongs to the user', { access: others }, 'wrongOwner', 'no administrator'],
    ['is world-writable', { access: { ...root, mode: 0o646 } }, 'writableByOthers', 'by others'],
    ['is group-writable', { access: { ...root, mode: 0o664 } }, 'writableByOthers', 'by others'],
    ['lies in a linked folder', folder({ symlink: true }), 'symlink', 'lies in /etc/argot'],
    ['lies in the user’s folder', folder({ access: others }), 'wrongOwner', 'lies in /etc/argot'],
    [
      'lies in a writable folder',
      folder({ access: { ...root, mode: 0o1777 } }),
      'writableByOthers',
      'lies in /etc/argot',
    ],
  ])('%s: locked down', (_, changes, reason, why) => {
    const state = adminFileState(file('{"schema": 1, "policy": {"adapterRank": 4}}', changes));
    expect(state).toMatchObject({ state: 'lockedDown', reason });
    if (state.state !== 'lockedDown') return;
    expect(state.layer.lockedDown).toContain(why);
    expect(state.layer.lockedDown).toContain('until an administrator corrects it');
    // Nothing of what it says is believed.
    expect(state.layer.limits.has('adapterRank')).toBe(false);
    expectShut(state.layer);
  });

  it('cannot be read: locked down', () => {
    const state = adminFileState({ found: 'unreadable', path: '/etc/argot/policy.json', why: 'EACCES' });
    expect(state).toMatchObject({ state: 'lockedDown', reason: 'unreadable' });
    if (state.state === 'lockedDown') expectShut(state.layer);
  });
});

describe('an admin file that is not understood', () => {
  it.each([
    ['not JSON', '{"schema": 1, "policy": {', 'not a JSON object'],
    ['empty', '', 'not a JSON object'],
    ['a list', '[]', 'not a JSON object'],
    ['a newer schema', '{"schema": 2, "policy": {"adapterRank": 4}}', 'update Argot'],
    ['no schema', '{"policy": {"adapterRank": 4}}', '“schema” must be 1'],
    ['no policy', '{"schema": 1}', '“policy” must be an object'],
    ['an unknown property', '{"schema": 1, "polcy": {}, "policy": {}}', '“polcy”'],
    ['an unknown field', '{"schema": 1, "policy": {"adapterRank": 4, "lerning": false}}', '“lerning”'],
    ['a field of the prototype', '{"schema": 1, "policy": {"constructor": 1}}', '“constructor”'],
    ['a field of all objects', '{"schema": 1, "policy": {"__proto__": 1}}', '“__proto__”'],
    ['a field twice', '{"schema": 1, "policy": {"learning": false, "learning": true}}', 'there twice'],
    [
      'a policy twice',
      '{"policy": {"learning": false}, "schema": 1, "policy" : {"exclude": ["a\\": b"]}}',
      'there twice',
    ],
    ['a wrong type', '{"schema": 1, "policy": {"adapterRank": 4, "learning": "no"}}', '“learning”'],
    ['a wrong item', '{"schema": 1, "policy": {"coordinators": ["https://x.example/path"]}}', 'without a path'],
    ['no regular expression', '{"schema": 1, "policy": {"secretRules": ["("]}}', 'regular expression'],
    ['a wrong key', '{"schema": 1, "organisation": {"key": "ab"}, "policy": {}}', '64 hexadecimal'],
  ])('%s: locked down, and said why', (_, content, why) => {
    const state = adminFileState(file(content));
    expect(state).toMatchObject({ state: 'lockedDown', reason: 'malformed' });
    if (state.state !== 'lockedDown') return;
    expect(state.layer.lockedDown).toContain(why);
    expectShut(state.layer);
    // What can be read still makes it stricter.
    if (content.includes('adapterRank')) {
      expect(state.layer.limits.get('adapterRank')).toEqual({ kind: 'atMost', most: 4 });
    }
  });

  it('too large or not UTF-8: locked down', () => {
    expect(adminFileState(file(new Uint8Array(2 ** 20 + 1)))).toMatchObject({ reason: 'malformed' });
    expect(adminFileState(file(Uint8Array.of(0x7b, 0xff, 0x7d)))).toMatchObject({ reason: 'malformed' });
  });
});

function expectShut(layer: Layer): void {
  const policy = effectivePolicy([layer]);
  for (const field of ['learning', 'ownHistory', 'federation', 'network'] as const) {
    expect(valueFor(policy, field).limit).toEqual({ kind: 'allowed', allowed: false });
  }
}
