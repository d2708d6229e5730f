import type { ProtocolConnection } from 'vscode-languageserver-protocol/node';
import { exportLeftRequest, readLeftRequest } from '#protocol/ledger.ts';
import { checkPolicyRequest, effectivePolicyRequest, type PolicyView } from '#protocol/policy.ts';
import type { LeftLedger } from '../network/leftLedger.ts';
import { checkPolicyText, policyRows } from '../policy/policyView.ts';
import type { LivePolicy } from '../policyFiles/livePolicy.ts';

export interface PolicyDeps {
  readonly policy: LivePolicy;
  readonly left: LeftLedger;
  readonly complaints: () => readonly string[];
}

/** One window's questions about policy and about what left. */
export function servePolicy(connection: ProtocolConnection, { policy, left, complaints }: PolicyDeps): void {
  connection.onRequest(effectivePolicyRequest, () => policyView(policy, complaints()));
  connection.onRequest(checkPolicyRequest, ({ text }) => checkPolicyText(text));
  connection.onRequest(readLeftRequest, ({ newest }) => left.read(newest));
  connection.onRequest(exportLeftRequest, ({ path }) => left.exportTo(path));
}

export function policyView(policy: LivePolicy, complaints: readonly string[]): PolicyView {
  const effective = policy.effective();
  return {
    rows: policyRows(effective),
    lockedDown: effective.lockedDown,
    complaints: complaints.map(userComplaint),
    adminFile: policy.paths.policy,
    organisationFile: policy.paths.organisation,
  };
}

export function userComplaint(complaint: string): string {
  return `The setting argot.policy is not understood: ${complaint}. The rest of it holds; correct it in the settings.`;
}
