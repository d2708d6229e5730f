import { expect, it } from 'vitest';
import { fieldNames } from './fields.ts';
import { effectivePolicy } from './layers.ts';
import { readFields } from './policyDocument.ts';
import { checkPolicyText, policyRows } from './policyView.ts';

it('tells each field with its value, origin, lock and what the user may loosen it to', () => {
  const limits = readFields({ epsilonPerYear: 4, federation: false }, fieldNames).limits;
  const user = readFields({ epsilonPerYear: 2 }, fieldNames).limits;
  const rows = policyRows(
    effectivePolicy([
      { name: 'admin', limits },
      { name: 'user', limits: user },
    ]),
  );
  expect(rows.map(({ field }) => field)).toEqual(fieldNames);
  expect(rows.find(({ field }) => field === 'federation')).toEqual({
    ...{ field: 'federation', title: 'Whether a repository may be enrolled in a team.', value: 'off' },
    ...{ origins: ['admin'], locked: true, bound: 'off' },
  });
  expect(rows.find(({ field }) => field === 'epsilonPerYear')).toMatchObject({
    ...{ value: 'at most 2', origins: ['user'], locked: false, bound: 'at most 4' },
  });
});

it('checks a file before it is installed: what to correct, and what would hold', () => {
  const good = checkPolicyText(JSON.stringify({ schema: 1, policy: { learning: false } }));
  expect(good.complaints).toEqual([]);
  expect(good.rows.find(({ field }) => field === 'learning')).toMatchObject({ value: 'off', origins: ['admin'] });
  const bad = { schema: 2, organisation: { key: 'x' }, policy: { lerning: false, minimumCohort: 'five' } };
  const { complaints } = checkPolicyText(JSON.stringify(bad));
  expect(complaints.join('\n')).toMatch(/update Argot[\s\S]*“lerning”[\s\S]*“minimumCohort”[\s\S]*“organisation”/);
  expect(checkPolicyText('{').complaints).toEqual(['it is not a JSON object in UTF-8']);
});
