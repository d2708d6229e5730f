import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { newRoundFile, roundDefaults } from './roundDefaults.ts';
import { parseRoundFile, roundFileJsonSchema } from './roundFile.ts';

const schemaFile = new URL('../../../schemas/round.schema.json', import.meta.url);

function parsed(text: string) {
  const outcome = parseRoundFile(text);
  if (!outcome.ok) throw new Error(outcome.complaint);
  return outcome.file;
}

it('the schema of the file is the one that the code reads: ARGOT_WRITE_SCHEMA=1 with this test writes it anew', () => {
  const generated = roundFileJsonSchema();
  if (process.env.ARGOT_WRITE_SCHEMA === '1') writeFileSync(schemaFile, `${JSON.stringify(generated, undefined, 2)}\n`);
  expect(JSON.parse(readFileSync(schemaFile, 'utf8'))).toEqual(generated);
});

describe('the file of round settings', () => {
  it('lays each of its fields over the default', () => {
    const { training, privacy, durationMs } = parsed('{"training": {"steps": 48}, "durationMs": 60000}');
    const { packsPerStep, sequence } = roundDefaults;
    expect(training).toEqual({ packsPerStep, sequence, steps: 48 });
    expect([privacy, durationMs]).toEqual([{ mechanism: 'none' }, 60_000]);
  });

  it('as it is made says nothing but the defaults', () => {
    expect(parsed(newRoundFile())).toEqual(parsed('{}'));
    expect(JSON.parse(newRoundFile())).toHaveProperty('privacy.mechanism');
  });

  it.each([
    ['{', 'It is not JSON.'],
    ['[]', 'It must be an object.'],
    ['{"stepz": 1}', /^It has no “stepz”, only training, .*seenWithinMs\.$/],
    ['{"training": {"step": 1}}', '“training” has no “step”, only steps, packsPerStep, sequence, learningRate.'],
    ['{"training": 3}', '“training” must be an object.'],
    ['{"training": {"steps": 1.5}}', '“training.steps” must be a whole number from 1 to 1000000.'],
    ['{"training": {"learningRate": 0}}', '“training.learningRate” must be a number above 0, at most 10.'],
    ['{"minimumCohort": 2}', '“minimumCohort” must be a whole number from 3 to 512.'],
    ['{"durationMs": "8h"}', /^“durationMs” must be a whole number from 1 to /],
    ['{"privacy": "client"}', '“privacy” must be an object.'],
    ['{"privacy": null}', '“privacy” must be an object.'],
    ['{"privacy": {"mechanism": "some"}}', '“privacy.mechanism” must be “none”, “record” or “client”.'],
    ['{"privacy": {"mechanism": "client"}}', /^“privacy.epsilon” must be a number above 0/],
    [
      '{"privacy": {"mechanism": "client", "epsilon": 8, "delta": 1}}',
      /^“privacy.delta” must be a number between 0 and 1/,
    ],
    ['{"privacy": {"mechanism": "client", "epsilon": 8, "memberVariance": 3}}', /^“privacy” has no “memberVariance”/],
    ['{"privacy": {"mechanism": "client", "epsilon": 8, "basis": 3}}', '“privacy.basis” must be true or false.'],
    ['{"quantiser": {"segments": []}}', '“quantiser” has no “segments”, only bits, laneBits, range.'],
    // What follows from the model and the enrolment.
    ['{"adapter": {"rank": 4}}', /^It has no “adapter”/],
  ])('%s is answered by one sentence', (text, sentence) => {
    expect(parseRoundFile(text)).toEqual({ ok: false, complaint: expect.stringMatching(sentence) });
  });
});
