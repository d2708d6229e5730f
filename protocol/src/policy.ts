import { NotificationType, RequestType } from 'vscode-languageserver-protocol';

export type PolicyOrigin = 'floor' | 'organisation' | 'admin' | 'user' | 'federation';

/** What holds for one field, in words. */
export interface PolicyRow {
  readonly field: string;
  readonly title: string;
  readonly value: string;
  readonly origins: readonly PolicyOrigin[];
  /** Set above the user, who can't loosen it. */
  readonly locked: boolean;
  /** What the user could loosen it to, at most. */
  readonly bound: string;
}

export interface PolicyView {
  readonly rows: readonly PolicyRow[];
  /** Why something is shut off, as sentences; empty where every file could be read as it is. */
  readonly lockedDown: readonly string[];
  /** What can't be read of the user's own `argot.policy`. */
  readonly complaints: readonly string[];
  readonly adminFile: string;
  readonly organisationFile: string;
}

/** Extension → server, for “Show Effective Policy” and the dashboard. */
export const effectivePolicyRequest = new RequestType<null, PolicyView, void>('argot/policy/effective');

/** Server → extension, whenever what holds has changed, and once after `initialized`. */
export const policyNotification = new NotificationType<PolicyView>('argot/policy');

/** Extension → server, for “Check Policy File”: the text of an admin file, before an administrator installs it. */
export type CheckPolicyParams = { readonly text: string };
export interface CheckPolicyResult {
  /** Sentences that say what to correct; empty where the file would hold. */
  readonly complaints: readonly string[];
  /** What would hold on a machine with this file alone. */
  readonly rows: readonly PolicyRow[];
}
export const checkPolicyRequest = new RequestType<CheckPolicyParams, CheckPolicyResult, void>('argot/policy/check');
