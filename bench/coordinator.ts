// npm run bench -- coordinator [--json] [--members 10,50] [--parameters N]
// Whole rounds over HTTP with a real coordinator process and simulated members (real protocol, made-up updates): seconds
// from the start to the published sum, bytes that a member sends, and the coordinator's peak memory for each team size.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { fetchHttp } from '../coordinator/src/fetchHttp.ts';
import { roundTopic } from '../protocol/src/federation/board.ts';
import type { SendHttp } from '../protocol/src/federation/httpBoard.ts';
import { foundFederation, startCoordinator } from '../test/lib/coordinator.ts';
import { joinFederation, type SimulatedMember, smallRound } from '../test/lib/simulatedMember.ts';
import { runBenchmark } from './lib/main.ts';

interface Row {
  readonly members: number;
  readonly parameters: number;
  readonly dropped: number;
  readonly bits: number;
  /** From the lead's command until every member could read the sum. */
  readonly roundSeconds: number;
  readonly bytesPerMember: number;
  /** The coordinator's largest resident memory, of which `idleMiB` was there before the round. */
  readonly peakMiB: number | null;
  readonly idleMiB: number | null;
}

await runBenchmark(async (signal) => {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      members: { type: 'string', default: '10,50' },
      parameters: { type: 'string', default: '1000000' },
    },
  });
  const rows: Row[] = [];
  for (const members of values.members.split(',').map(Number)) {
    rows.push(await measure(members, Number(values.parameters), signal));
    console.error(JSON.stringify(rows.at(-1)));
  }
  if (values.json) console.log(JSON.stringify(rows, undefined, 2));
  else console.table(rows);
});

async function measure(size: number, parameters: number, signal: AbortSignal): Promise<Row> {
  await using coordinator = await startCoordinator(['--requests-per-minute', '100000']);
  const federation = await foundFederation(coordinator);
  let sent = 0;
  const counting: SendHttp = (request, during) => {
    sent += request.body?.length ?? 0;
    return fetchHttp(request, during);
  };
  const members: SimulatedMember[] = [];
  for (let i = 0; i < size; i++) {
    members.push(await joinFederation(federation, `member ${i}`, { send: counting, forgetful: true }));
  }
  const idleMiB = await peakOf(coordinator.pid());
  sent = 0;
  const started = performance.now();
  const settings = smallRound(parameters, {
    durationMs: 30 * 60_000,
    quantiser: { bits: 8, laneBits: 10, segments: [{ length: parameters, range: 1 }] },
  });
  await federation.command({ do: 'start', settings });
  const [first] = members;
  const round = await first?.newestRound();
  if (first === undefined || round === undefined) throw new Error('The round did not begin.');
  for (const member of members) {
    signal.throwIfAborted();
    await member.upload(round);
  }
  const named = async () => (await federation.board.list(roundTopic(round.id, 'survivors'), signal)).length > 0;
  while (!(await named())) await pause(20);
  for (const index of round.committee) {
    const key = Buffer.from(round.cohort[index]?.key ?? []).toString('hex');
    const member = members.find((each) => Buffer.from(each.key).toString('hex') === key);
    // The threshold is enough: who comes after it finds the round over.
    await member?.serve(round).catch(() => undefined);
  }
  while ((await first.result(round)) === undefined) await pause(20);
  const roundSeconds = Number(((performance.now() - started) / 1000).toFixed(1));
  const { bits } = round.plan.quantiser;
  const bytesPerMember = Math.round(sent / size);
  const peakMiB = await peakOf(coordinator.pid());
  return { members: size, parameters, dropped: 0, bits, roundSeconds, bytesPerMember, peakMiB, idleMiB };
}

/** Linux keeps the largest resident set; elsewhere it is not told. */
async function peakOf(pid: number): Promise<number | null> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const found = /^VmHWM:\s+(\d+) kB$/m.exec(text)?.[1];
  return found === undefined ? null : Math.round(Number(found) / 1024);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
