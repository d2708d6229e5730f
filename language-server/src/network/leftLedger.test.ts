import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fileServer } from '../engine/testing/fileServer.ts';
import { fieldNames } from '../policy/fields.ts';
import { readFields } from '../policy/policyDocument.ts';
import { createLayeredPolicy } from '../policy/policyService.ts';
import { openLeftLedger } from './leftLedger.ts';
import { createOutbound } from './outbound.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argot-left-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function send(url: string, auditLog: readonly string[] = []): Promise<number> {
  const policy = createLayeredPolicy([{ name: 'admin', limits: readFields({ auditLog }, fieldNames).limits }]);
  await using network = await createOutbound(policy, openLeftLedger(folder, policy)).open({ proxy: '', env: {} });
  const request = { method: 'GET', url, purpose: 'modelDownload', about: 'a test' } as const;
  const answer = await network.send(request, new AbortController().signal);
  await answer.body.dump();
  return answer.status;
}

it('is verified and exported whole, and once changed it is neither, and nothing more is sent', async () => {
  await using server = await fileServer(Buffer.from('x'));
  for (let i = 0; i < 3; i++) await send(server.origin);
  const ledger = openLeftLedger(folder, createLayeredPolicy());
  const { check, entries } = await ledger.read(2);
  expect(check).toMatchObject({ ok: true, entries: 3 });
  expect(entries.map(({ index }) => index)).toEqual([1, 2]);
  const copy = join(folder, 'copy.jsonl');
  expect(await ledger.exportTo(copy)).toMatchObject({ ok: true, path: copy });
  const path = join(folder, 'ledger', 'left.jsonl');
  expect(await readFile(copy)).toEqual(await readFile(path));
  expect(await ledger.exportTo(copy)).toMatchObject({ ok: false });

  await writeFile(path, (await readFile(path, 'utf8')).replace('a test', 'no test'));
  expect((await ledger.read(2)).check).toMatchObject({ ok: false, message: expect.stringContaining('line 2') });
  await expect(send(server.origin)).rejects.toThrow(/ledger of what left/);
  expect(server.requests).toHaveLength(3);
});

it('is written to the audit log first; where that can’t be, nothing is sent', async () => {
  await using server = await fileServer(Buffer.from('x'));
  const audit = join(folder, 'audit.jsonl');
  expect(await send(server.origin, [audit])).toBe(200);
  expect(await readFile(audit, 'utf8')).toBe(await readFile(join(folder, 'ledger', 'left.jsonl'), 'utf8'));
  await expect(send(server.origin, [join(folder, 'no', 'folder', 'audit.jsonl')])).rejects.toThrow('ENOENT');
  expect(server.requests).toHaveLength(1);
});
