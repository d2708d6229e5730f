import type { Left } from '#protocol/ledger.ts';
import { createLayeredPolicy, type PolicyService } from '../../policy/policyService.ts';
import type { LeftEntry, LeftLedger } from '../leftLedger.ts';
import { createOutbound, type Outbound } from '../outbound.ts';

/** The real way out, for tests: its ledger is a list, and everything is permitted where no policy is given. */
export function freeOutbound(policy: PolicyService = createLayeredPolicy(), left: LeftEntry[] = []): Outbound {
  const ledger: LeftLedger = {
    async record(entry): Promise<Left> {
      left.push(entry);
      return { ...entry, index: left.length - 1, at: 0, previous: '0'.repeat(64) };
    },
    read: async () => ({ check: { ok: true, entries: left.length, bytes: 0, path: '' }, entries: [] }),
    exportTo: async (path) => ({ ok: true, entries: left.length, bytes: 0, path }),
  };
  return createOutbound(policy, ledger);
}
