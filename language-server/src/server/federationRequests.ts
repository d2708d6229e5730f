import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProtocolConnection } from 'vscode-languageserver-protocol/node';
import { fromHex, hex } from '#protocol/federation/bytes.ts';
import { keyPairFrom } from '#protocol/federation/keys.ts';
import { sha256 } from '#protocol/federation/signedMessage.ts';
import {
  enrolRequest,
  enrolSchema,
  type FederationOutcome,
  type FederationView,
  federationChangedNotification,
  federationViewRequest,
  joinRequest,
  joinSchema,
  type LeadAction,
  leadActionRequest,
  leadActionSchema,
  leaveRequest,
  leaveSchema,
  type TeamView,
} from '#protocol/federationViews.ts';
import { type Enrolment, enrolmentPath, readEnrolment } from '../federation/enrolment.ts';
import { foundFederation, leadOf } from '../federation/lead.ts';
import { repositoryId } from '../learning/example.ts';
import { refusalSentence } from '../policy/decisions.ts';
import { asSignal } from './asSignal.ts';
import type { WorkspaceFolder } from './documents.ts';
import { beginRounds } from './leadRounds.ts';
import type { OpenedFederation } from './openFederation.ts';

export interface FederationRequestDeps {
  readonly federation: Promise<OpenedFederation>;
  readonly folders: () => readonly WorkspaceFolder[];
  /** An untrusted workspace enrols nobody. */
  readonly trusted: () => boolean;
  readonly log: (message: string) => void;
}

type Request = { readonly opened: OpenedFederation; readonly folder: WorkspaceFolder; readonly signal: AbortSignal };

const failed = (message: string): FederationOutcome => ({ ok: false, message });
const done = (message: string): FederationOutcome => ({ ok: true, message });

/** One window's requests about teams. Returns how to stop telling it. */
export function serveFederation(connection: ProtocolConnection, deps: FederationRequestDeps): () => void {
  const stops = deps.federation.then((opened) => [
    opened.keys.add(connection),
    opened.listen(() => void connection.sendNotification(federationChangedNotification, null).catch(() => undefined)),
  ]);
  stops.catch((error: unknown) => deps.log(`Federation is off: ${String(error)}`));

  /** What goes wrong is told in a sentence: the network and the coordinator are outside our walls. */
  async function act(uri: string, signal: AbortSignal, work: (request: Request) => Promise<FederationOutcome>) {
    const folder = deps.folders().find((each) => each.uri === uri);
    if (folder === undefined || !uri.startsWith('file:')) return failed('Open the repository’s folder first.');
    if (!deps.trusted()) return failed('Trust the workspace first: an untrusted one takes no part in a team.');
    try {
      return await work({ opened: await deps.federation, folder, signal });
    } catch (error) {
      return failed(error instanceof Error ? error.message : String(error));
    }
  }

  connection.onRequest(federationViewRequest, async (_, token): Promise<FederationView> => {
    const opened = await deps.federation;
    const teams: TeamView[] = [];
    const complaints: string[] = [];
    if (!deps.trusted()) return { teams, complaints };
    for (const folder of deps.folders().filter(({ uri }) => uri.startsWith('file:'))) {
      const read = await readEnrolment(fileURLToPath(folder.uri), asSignal(token));
      if (read.kind === 'unreadable') complaints.push(read.message);
      if (read.kind === 'enrolled') teams.push(await teamView(opened, folder, read.enrolment, asSignal(token)));
    }
    return { teams, complaints };
  });
  connection.onRequest(enrolRequest, (params, token) => {
    const { folder, url, token: secret, name } = enrolSchema.parse(params);
    return act(folder, asSignal(token), (request) => enrol(request, { url, token: secret, name }));
  });
  connection.onRequest(joinRequest, (params, token) => {
    const { folder, name } = joinSchema.parse(params);
    return act(folder, asSignal(token), (request) => join_(request, name));
  });
  connection.onRequest(leaveRequest, (params, token) =>
    act(leaveSchema.parse(params).folder, asSignal(token), async (request) => {
      const enrolment = await enrolmentOf(request);
      return typeof enrolment === 'string' ? failed(enrolment) : request.opened.service.leave(enrolment.federation);
    }),
  );
  connection.onRequest(leadActionRequest, (params, token) => {
    const action = leadActionSchema.parse(params);
    return act(action.folder, asSignal(token), (request) => lead(request, action));
  });
  return () => void stops.then((all) => all.forEach((stop) => void stop())).catch(() => undefined);
}

/** The enrolment in the folder, or one sentence on why there is none. */
async function enrolmentOf({ folder, signal }: Request): Promise<Enrolment | string> {
  const read = await readEnrolment(fileURLToPath(folder.uri), signal);
  if (read.kind === 'unreadable') return read.message;
  return read.kind === 'none' ? 'This repository is not enrolled in a team.' : read.enrolment;
}

/** The lead's command: founds the federation, writes its enrolment into the repository, and joins as its first member. */
async function enrol(
  request: Request,
  given: { readonly url: string; readonly token: string; readonly name: string },
): Promise<FederationOutcome> {
  const { opened, folder, signal } = request;
  const path = join(fileURLToPath(folder.uri), enrolmentPath);
  if ((await readEnrolment(fileURLToPath(folder.uri), signal)).kind !== 'none') {
    return failed(`${enrolmentPath} is there already: the repository has a team.`);
  }
  const base = await opened.base();
  if (base === undefined) return failed('Choose a model first: a team trains an adapter for one base model.');
  const send = await opened.transport(given.name);
  const minimums: Enrolment['minimums'] = { minimumCohort: 3, privacyMechanisms: ['none', 'record', 'client'] };
  const enrolment = await foundFederation(
    {
      ...{ url: given.url, token: given.token, send, nowMs: Date.now, minimums },
      base: { sha256: base.sha256, name: base.name },
      adapter: { rank: 8, alpha: 16, targets: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'], matrices: 'b', seed: 1 },
      keep: (federation, keys) => opened.keys.set(leadKey(federation), keys.secretKey, signal),
    },
    signal,
  );
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(enrolment, undefined, 2)}\n`, { flag: 'wx' });
  await join_(request, given.name);
  return done(`The repository is enrolled. Commit ${enrolmentPath}, so that your team can join.`);
}

async function join_(request: Request, name: string): Promise<FederationOutcome> {
  const { opened, folder } = request;
  const enrolment = await enrolmentOf(request);
  if (typeof enrolment === 'string') return failed(enrolment);
  const { url, key } = enrolment.coordinator;
  const coordinatorKey = hex(sha256(fromHex(key)));
  const decision = opened.policy.decide({
    ...{ kind: 'enrol', coordinator: new URL(url).origin, coordinatorKey, minimums: enrolment.minimums },
  });
  if (!decision.permitted) return failed(refusalSentence(decision.refusal));
  const repository = repositoryId(folder);
  return opened.service.join({ name, agreedAtMs: Date.now(), folder: folder.uri, repository, enrolment });
}

async function lead(request: Request, action: LeadAction): Promise<FederationOutcome> {
  const { opened, signal } = request;
  const enrolment = await enrolmentOf(request);
  if (typeof enrolment === 'string') return failed(enrolment);
  const secret = await opened.keys.get(leadKey(enrolment.federation), signal);
  if (secret === undefined) return failed('The lead’s key is not on this machine.');
  const of = leadOf(enrolment, keyPairFrom(secret), await opened.transport('lead'), Date.now);
  switch (action.do) {
    case 'approve': {
      const { joining } = await of.membership(signal);
      const person = joining.find(({ signer }) => hex(signer) === action.key);
      if (person === undefined) return failed('Nobody with this key asks to be let in any more.');
      await of.changeRoster({ kind: 'approve', key: person.signer, name: person.body.name }, signal);
      return done(`${person.body.name} is in the team.`);
    }
    case 'start':
    case 'schedule':
      return beginRounds({ opened, enrolment, lead: of }, action, signal);
    case 'unschedule':
      await of.command({ do: 'unschedule' }, signal);
      return done('No more rounds begin by themselves.');
    case 'stop':
      await of.command({ do: 'stop' }, signal);
      return done('The round is stopped.');
  }
}

async function teamView(
  opened: OpenedFederation,
  folder: WorkspaceFolder,
  enrolment: Enrolment,
  signal: AbortSignal,
): Promise<TeamView> {
  const { federation, coordinator, base, minimums } = enrolment;
  const joined = await opened.service.view(federation);
  const secret = await opened.keys.get(leadKey(federation), signal).catch(() => undefined);
  return {
    ...{ folder: folder.uri, federation, coordinator: coordinator.url, baseName: base.name, ...minimums },
    standing: 'You have not joined: nothing of this machine goes to the team.',
    sentBytes: 0,
    ...joined,
    isLead: secret !== undefined,
    joining: secret === undefined ? [] : await waiting(opened, enrolment, secret, signal),
  };
}

/** Who waits for the lead; none where the coordinator can't be asked now. */
async function waiting(opened: OpenedFederation, enrolment: Enrolment, secret: Uint8Array, signal: AbortSignal) {
  const of = leadOf(enrolment, keyPairFrom(secret), await opened.transport('lead'), Date.now);
  const membership = await of.membership(signal).catch(() => undefined);
  return (membership?.joining ?? []).map(({ signer, body }) => ({ key: hex(signer), name: body.name }));
}

function leadKey(federation: string): string {
  return `argot.lead.${federation}`;
}
