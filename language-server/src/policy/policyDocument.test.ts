import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fieldNames, fieldSpecs, limitOf } from './fields.ts';
import { policyJsonSchema, readPolicy } from './policyDocument.ts';

const schemaFile = new URL('../../../schemas/policy.schema.json', import.meta.url);

describe('the schema of the admin file', () => {
  it('is the one that the code reads: ARGOT_WRITE_SCHEMA=1 with this test writes it anew', () => {
    const generated = policyJsonSchema();
    if (process.env.ARGOT_WRITE_SCHEMA === '1')
      writeFileSync(schemaFile, `${JSON.stringify(generated, undefined, 2)}\n`);
    expect(JSON.parse(readFileSync(schemaFile, 'utf8'))).toEqual(generated);
  });

  it('describes every field, and no other property', () => {
    const described = z
      .object({
        additionalProperties: z.literal(false),
        properties: z.object({
          policy: z.object({
            additionalProperties: z.literal(false),
            properties: z.record(z.string(), z.looseObject({ description: z.string().min(10) })),
          }),
        }),
      })
      .parse(policyJsonSchema());
    expect(Object.keys(described.properties.policy.properties)).toEqual(fieldNames);
  });
});

describe('fields', () => {
  it('have a floor of their own kind that their schema or the absence of a value stands for', () => {
    for (const name of fieldNames) expect(fieldSpecs[name].floor.kind).toBe(fieldSpecs[name].kind);
  });

  it('spell equal things equally', () => {
    expect(limitOf('downloadSources', ['https://Hub.example:443/', 'https://hub.example'])).toEqual({
      kind: 'only',
      of: ['https://hub.example'],
    });
    expect(limitOf('modelHashes', ['AB'.repeat(32)])).toEqual({ kind: 'only', of: ['ab'.repeat(32)] });
    expect(() => limitOf('learning', 3)).toThrow('learning');
  });

  it.each([
    ['coordinators', ['ftp://x.example']],
    ['coordinators', ['https://user:pass@x.example']],
    ['modelHashes', ['abc']],
    ['auditLog', ['relative/path']],
    ['learningSignals', ['heartbeat']],
    ['privacyMechanisms', ['some']],
    ['retentionDays', -1],
    ['delta', 0],
    ['minimumCohort', 2.5],
    ['epsilonPerYear', null],
  ])('refuse %s: %j', (field, value) => {
    const read = readPolicy(Buffer.from(JSON.stringify({ schema: 1, policy: { [field]: value } })), []);
    expect(read.complaints).toHaveLength(1);
    expect(read.complaints[0]).toContain(field);
    expect(read.limits.size).toBe(0);
  });
});
