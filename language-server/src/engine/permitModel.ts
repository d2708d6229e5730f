import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Problem } from '#protocol/status.ts';
import { refusalSentence } from '../policy/decisions.ts';
import { limitsModelHashes, type PolicyService } from '../policy/policyService.ts';
import type { ModelInfo } from './engine.ts';

const known = new Map<string, string>();

/** Why policy keeps this model from being used; its file is hashed only where hashes are limited. */
export async function permitModel(
  policy: PolicyService,
  { name, path, licence }: ModelInfo,
): Promise<Problem | undefined> {
  const hash = limitsModelHashes(policy.effective()) ? { sha256: await hashOf(path) } : {};
  const decision = policy.decide({ kind: 'loadModel', licence, ...hash });
  if (decision.permitted) return undefined;
  const message = `${name} may not be used here. ${refusalSentence(decision.refusal)}`;
  return { code: 'policy', message, remedy: { title: 'Show Effective Policy', command: 'argot.showPolicy' } };
}

/** Remembered while size, time and place of the file stay the same. */
async function hashOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  const key = [dev, ino, size, mtimeNs, ctimeNs].join(':');
  const found = known.get(key);
  if (found !== undefined) return found;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  const sha256 = hash.digest('hex');
  known.set(key, sha256);
  return sha256;
}
