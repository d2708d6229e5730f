import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { membershipTopic, policyTopic, readTopic } from '#protocol/federation/board.ts';
import { fromHex, hex } from '#protocol/federation/bytes.ts';
import { BoardRefusal, type HttpBoard, httpBoard, signedSender } from '#protocol/federation/httpBoard.ts';
import { type KeyPair, keyPairFrom, newSigningKeys } from '#protocol/federation/keys.ts';
import {
  leadCommand,
  type Membership,
  nextRoster,
  type RosterChange,
  readMembership,
} from '#protocol/federation/membership.ts';
import type { CommandAction } from '#protocol/federation/messages.ts';
import { roundSettingsFileSchema, settingsFromFile } from '#protocol/federation/roundSettings.ts';
import { signMessage } from '#protocol/federation/signedMessage.ts';
import { fetchHttp } from './fetchHttp.ts';
import { startFrom } from './leadStart.ts';

const usage = `Usage: npm run coordinator -- lead COMMAND --as FILE [OPTION…]
  found --url URL --token TOKEN   begins a federation; FILE becomes its lead's secret, keep it
  members                         who is in, and who asks to be let in
  approve KEY [--name NAME]       lets somebody in (the first digits of a key are enough)
  remove KEY                      takes somebody out
  start --settings FILE           begins a round
  schedule --settings FILE --every-minutes N
  start-from --file FILE          hands all members an adapter trained on public code, from which rounds go on
  policy --file FILE              hands the organisation's signed policy to all members
  unschedule | stop | status | audit

From the repository, where the model and its trainer are, such a file is trained and handed on by
  start-from-code FOLDER… --settings FILE   (more with --help)`;

/** Everything that a lead needs later: the file's owner is the lead. */
const leadFileSchema = z.object({
  url: z.string(),
  federation: z.string(),
  coordinator: z.string(),
  lead: z.string(),
  secretKey: z.string(),
});
type LeadFile = z.infer<typeof leadFileSchema>;

interface Lead {
  readonly file: LeadFile;
  readonly keys: KeyPair;
  readonly federation: Uint8Array;
  readonly board: HttpBoard;
  readonly signal: AbortSignal;
}

/** The lead's commands. Gives the exit code; errors are sentences on stderr. */
export async function runLead(args: readonly string[]): Promise<number> {
  let values: {
    as?: string;
    url?: string;
    token?: string;
    name?: string;
    settings?: string;
    file?: string;
    'every-minutes'?: string;
  };
  let positionals: string[];
  try {
    ({ values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        as: { type: 'string' },
        url: { type: 'string' },
        token: { type: 'string' },
        name: { type: 'string' },
        settings: { type: 'string' },
        file: { type: 'string' },
        'every-minutes': { type: 'string' },
      },
    }));
  } catch (error) {
    return complain(error instanceof Error ? error.message : String(error));
  }
  const [command, who] = positionals;
  if (command === undefined || values.as === undefined)
    return complain('Name a command, and the lead’s file with --as.');
  const path = atCaller(values.as);
  const signal = AbortSignal.timeout(command === 'start-from' ? 30 * 60_000 : 60_000);
  try {
    if (command === 'found') return await found(path, values.url, values.token, signal);
    const lead = await openLead(path, signal);
    switch (command) {
      case 'members':
        return listMembers(await membershipOf(lead));
      case 'approve':
      case 'remove':
        return await changeRoster(lead, command, who, values.name);
      case 'start':
        return await order(lead, { do: 'start', settings: await readSettings(values.settings) });
      case 'schedule': {
        const everyMs = Math.round(Number(values['every-minutes']) * 60_000);
        return await order(lead, { do: 'schedule', settings: await readSettings(values.settings), everyMs });
      }
      case 'unschedule':
      case 'stop':
        return await order(lead, { do: command });
      case 'start-from':
        if (values.file === undefined) return complain('Name the file of the start with --file.');
        await startFrom(lead, atCaller(values.file));
        return 0;
      case 'policy':
        if (values.file === undefined) return complain('Name the file of the signed policy with --file.');
        await lead.board.post(policyTopic, new Uint8Array(await readFile(atCaller(values.file))), signal);
        console.log('Done.');
        return 0;
      case 'status':
        console.log(JSON.stringify(await lead.board.state(signal), undefined, 2));
        return 0;
      case 'audit':
        console.log(await readAudit(lead));
        return 0;
      default:
        return complain(`There is no command “${command}”.`);
    }
  } catch (error) {
    if (error instanceof BoardRefusal) console.error(`Refused (${error.refusal}): ${error.message}`);
    else console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
}

async function found(
  path: string,
  url: string | undefined,
  token: string | undefined,
  signal: AbortSignal,
): Promise<number> {
  if (url === undefined || token === undefined) return complain('“found” needs --url and --token.');
  const address = url.replace(/\/+$/, '');
  const about = await fetchHttp({ method: 'GET', url: `${address}/v1/coordinator`, headers: {} }, signal);
  const { key } = z.object({ key: z.string() }).parse(JSON.parse(Buffer.from(about.body).toString('utf8')));
  const keys = newSigningKeys();
  const federation = new Uint8Array(randomBytes(32));
  const coordinator = fromHex(key);
  const file: LeadFile = {
    url: address,
    federation: hex(federation),
    coordinator: key,
    lead: hex(keys.publicKey),
    secretKey: hex(keys.secretKey),
  };
  // Before the coordinator knows of it: a federation without its lead's key would be nobody's.
  await writeFile(path, `${JSON.stringify(file, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
  const send = signedSender({ url: address, keys, send: fetchHttp, nowMs: Date.now });
  const message = signMessage({ type: 'found', federation, coordinator }, keys);
  await send('POST', '/v1/federations', message, signal, [], { 'argot-token': token });
  console.log(`Federation ${file.federation}\nLead ${file.lead}\nCoordinator ${key}`);
  return 0;
}

async function openLead(path: string, signal: AbortSignal): Promise<Lead> {
  const file = leadFileSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  const keys = keyPairFrom(fromHex(file.secretKey));
  const federation = fromHex(file.federation);
  const board = httpBoard({ url: file.url, federation, keys, send: fetchHttp, nowMs: Date.now });
  return { file, keys, federation, board, signal };
}

async function membershipOf({ board, file, signal, federation }: Lead): Promise<Membership> {
  const anchors = { federation, lead: fromHex(file.lead), coordinator: fromHex(file.coordinator) };
  return readMembership(await readTopic(board, membershipTopic, signal), anchors);
}

function listMembers({ roster, joining, cards }: Membership): number {
  for (const { key, name } of roster?.body.members ?? []) {
    console.log(`member   ${hex(key)}  ${name}${cards.has(hex(key)) ? '' : '  (has left, or sent no keys yet)'}`);
  }
  for (const { signer, body } of joining) console.log(`waiting  ${hex(signer)}  ${body.name}`);
  return 0;
}

async function changeRoster(lead: Lead, kind: RosterChange['kind'], who = '', name?: string): Promise<number> {
  const membership = await membershipOf(lead);
  const people =
    kind === 'approve'
      ? membership.joining.map(({ signer, body }) => ({ key: signer, name: body.name }))
      : (membership.roster?.body.members ?? []);
  const [person, another] = people.filter(({ key }) => who !== '' && hex(key).startsWith(who));
  if (person === undefined || another !== undefined) {
    return complain(`${person ? 'More than one' : 'No'} person’s key begins with “${who}”: see “members”.`);
  }
  const change = kind === 'approve' ? { kind, key: person.key, name: name ?? person.name } : { kind, key: person.key };
  const roster = nextRoster(lead.federation, membership.roster, change, lead.keys);
  if (roster === undefined) return complain('A team has at most 512 members.');
  await lead.board.post(membershipTopic, roster, lead.signal);
  console.log(`${kind === 'approve' ? 'Approved' : 'Removed'}: ${person.name}`);
  return 0;
}

async function order({ board, keys, federation, signal }: Lead, action: CommandAction): Promise<number> {
  await board.post('commands', leadCommand(federation, Date.now(), action, keys), signal);
  console.log('Done.');
  return 0;
}

async function readSettings(path: string | undefined) {
  if (path === undefined) throw new Error('Name the file of the round’s settings with --settings.');
  const parsed = roundSettingsFileSchema.safeParse(JSON.parse(await readFile(atCaller(path), 'utf8')));
  if (!parsed.success) throw new Error(`${path}: ${z.prettifyError(parsed.error)}`);
  return settingsFromFile(parsed.data);
}

async function readAudit({ file, keys, signal }: Lead): Promise<string> {
  const send = signedSender({ url: file.url, keys, send: fetchHttp, nowMs: Date.now });
  const { body } = await send('GET', `/v1/f/${file.federation}/audit`, undefined, signal);
  return Buffer.from(body).toString('utf8');
}

function complain(message: string): number {
  console.error(`${message}\n\n${usage}`);
  return 2;
}

/** npm runs scripts in the package's folder; INIT_CWD is where the command was typed. */
export function atCaller(path: string): string {
  return resolve(process.env.INIT_CWD ?? process.cwd(), path);
}
