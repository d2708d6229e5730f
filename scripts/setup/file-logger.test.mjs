import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import * as fileLogger from './file-logger.cjs';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'argot-log-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('writes a line with time and level for each message from its level on', async () => {
  const file = path.join(folder, 'deep', 'a.log');
  const logger = await fileLogger.createRotatingLogger('a', file, 1000);
  logger.setLevel(2);
  logger.debug('unseen');
  logger.info('$& seen');
  logger.error('worse');
  expect(readFileSync(file, 'utf8')).toMatch(
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \[info\] \$& seen\n\d{4}.* \[error\] worse\n$/,
  );
});

it('writes messages as they come once formatters are cleared, and puts a full file aside', async () => {
  const file = path.join(folder, 'a.log');
  const logger = await fileLogger.createAsyncRotatingLogger('a', file, 5);
  logger.clearFormatters();
  logger.info('123456');
  logger.info('new');
  expect(readFileSync(file, 'utf8')).toBe('new');
  expect(readFileSync(`${file}.1`, 'utf8')).toBe('123456');
});
