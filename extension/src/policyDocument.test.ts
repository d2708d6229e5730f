import { expect, it } from 'vitest';
import type { PolicyView } from '#protocol/policy.ts';
import { checkedPolicyDocument, effectivePolicyDocument } from './policyDocument.ts';

const row = {
  field: 'federation',
  title: 'Whether a repository may be enrolled in a team.',
  value: 'off',
  origins: ['admin'],
  locked: true,
  bound: 'off',
} as const;

const view: PolicyView = {
  rows: [row, { ...row, field: 'secretRules', value: 'a|b', origins: ['floor'], locked: false }],
  lockedDown: ['The admin policy is a symbolic link.'],
  complaints: [],
  adminFile: '/etc/argot/policy.json',
  organisationFile: '/etc/argot/organisation.json',
};

it('lists each value with its origin and lock, and says what is shut', () => {
  const text = effectivePolicyDocument(view);
  expect(text).toContain('| `federation` 🔒 | off | this machine’s administrator |');
  expect(text).toContain('| `secretRules`  | a\\|b | Argot |');
  expect(text).toContain('- The admin policy is a symbolic link.');
});

it('says what to correct in a file, and what it would do', () => {
  expect(checkedPolicyDocument('policy.json', { complaints: [], rows: [row] })).toContain('The file is valid');
  const bad = checkedPolicyDocument('policy.json', { complaints: ['“x” is not a field'], rows: view.rows });
  expect(bad).toContain('- “x” is not a field');
  expect(bad).not.toContain('secretRules');
});
