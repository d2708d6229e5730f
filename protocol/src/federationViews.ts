import { NotificationType, RequestType } from 'vscode-languageserver-protocol';
import { z } from 'zod';

/** A team as the Federation view shows it: one for each workspace folder with an enrolment. */
export interface TeamView {
  /** URI of the workspace folder. */
  readonly folder: string;
  readonly federation: string;
  readonly coordinator: string;
  readonly baseName: string;
  readonly minimumCohort: number;
  readonly privacyMechanisms: readonly string[];
  /** The name that the team sees; absent while this machine has not joined. */
  readonly name?: string;
  readonly isLead: boolean;
  /** Where this member stands, as a sentence. */
  readonly standing: string;
  readonly members?: number;
  /** People who ask to be let in: the lead sees them. */
  readonly joining: readonly { readonly key: string; readonly name: string }[];
  readonly round?: {
    readonly number: number;
    readonly phase: 'uploads' | 'releases' | 'published' | 'failed';
    readonly deadlineMs: number;
    readonly uploaded: number;
    readonly cohort: number;
  };
  /** Bytes that left this machine for this team's coordinator so far. */
  readonly sentBytes: number;
  /** Share of the base model's held-out loss that the team's adapter saves on this machine. */
  readonly gain?: number;
}

/** Why a folder with an enrolment shows no team, or null where it has none. */
export interface FederationView {
  readonly teams: readonly TeamView[];
  /** Sentences about enrolments that cannot be used. */
  readonly complaints: readonly string[];
}

/** Extension → server: the teams of the window's folders. */
export const federationViewRequest = new RequestType<null, FederationView, void>('argot/federation/view');

/** Server → windows: something of it has changed. */
export const federationChangedNotification = new NotificationType<null>('argot/federation/changed');

export interface FederationOutcome {
  readonly ok: boolean;
  /** A sentence for the person. */
  readonly message: string;
}

/** Extension → server, by the lead: found a federation at a coordinator and write its enrolment into the folder. */
export const enrolSchema = z.object({ folder: z.string(), url: z.string(), token: z.string(), name: z.string() });
export type EnrolParams = z.infer<typeof enrolSchema>;
export const enrolRequest = new RequestType<EnrolParams, FederationOutcome, void>('argot/federation/enrol');

/** Extension → server, after the person has agreed to what would leave. */
export const joinSchema = z.object({ folder: z.string(), name: z.string().min(1).max(64) });
export type JoinParams = z.infer<typeof joinSchema>;
export const joinRequest = new RequestType<JoinParams, FederationOutcome, void>('argot/federation/join');

/** Extension → server: from now on nothing of this machine goes to the team. */
export const leaveSchema = z.object({ folder: z.string() });
export const leaveRequest = new RequestType<z.infer<typeof leaveSchema>, FederationOutcome, void>(
  'argot/federation/leave',
);

/** Extension → server, by the lead. */
export const leadActionSchema = z.discriminatedUnion('do', [
  z.object({ do: z.literal('approve'), folder: z.string(), key: z.string() }),
  z.object({ do: z.literal('start'), folder: z.string() }),
  z.object({ do: z.literal('stop'), folder: z.string() }),
  z.object({ do: z.literal('schedule'), folder: z.string(), everyMs: z.int().min(60_000) }),
  z.object({ do: z.literal('unschedule'), folder: z.string() }),
]);
export type LeadAction = z.infer<typeof leadActionSchema>;
export const leadActionRequest = new RequestType<LeadAction, FederationOutcome, void>('argot/federation/lead');

/** Server → extension: secrets lie in the editor's SecretStorage, base64. A null value deletes. */
export const getSecretRequest = new RequestType<{ readonly name: string }, string | null, void>('argot/secret/get');
export const setSecretRequest = new RequestType<{ readonly name: string; readonly value: string | null }, null, void>(
  'argot/secret/set',
);
