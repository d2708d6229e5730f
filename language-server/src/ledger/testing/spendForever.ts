import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { privacyAccount } from '../spendLedgerFile.ts';

// A process that a test kills: it spends, and only then “releases”, which here is a line in another file.
const [home = '', run = ''] = process.argv.slice(2);
const account = privacyAccount(home);
const free = { delta: 1e-5, epsilonPerRound: Infinity, epsilonPerYear: Infinity, epsilonLifetime: Infinity };
for (let i = 0; ; i++) {
  const purpose = `run ${run} release ${i}`;
  const release = { mechanism: { kind: 'gaussian', noiseMultiplier: 3, samplingRate: 1 }, steps: 1 } as const;
  const outcome = await account.spend({ unit: 'member', purpose, release, caps: free });
  if (!outcome.ok) throw new Error(outcome.reason);
  appendFileSync(join(home, 'released'), `${purpose}\n`);
}
