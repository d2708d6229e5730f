// npm run bench -- secagg [--json] [--peer] [--quick] [--members N] [--parameters N] [--repeats N]
// Secure aggregation's time and bytes, at a member and at the coordinator; with --peer beside Flower's SecAgg+ on the
// same vector, at the same number of neighbours, in the same run.
import { createCipheriv } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runBenchmark } from './lib/main.ts';
import { type AggregationCase, type AggregationTimes, playCase, simulatedRoundSeconds } from './lib/secaggCase.ts';
import { type FlowerResult, provideFlower, runFlower } from './peer/flower.ts';

/** Flower's own benchmark has 4 neighbours; ours are everybody up to 32 members, 32 beyond. */
const teams = [
  { members: 10, neighbours: 4 },
  { members: 10, neighbours: 9 },
  { members: 50, neighbours: 32 },
] as const;
const cipherNames = ['aes-256-ctr', 'chacha20'] as const;
const sizes = [100_000, 1_000_000, 5_000_000] as const;

const progress = (line: string): void => console.error(line);

await runBenchmark(async (signal) => {
  const { json, peer, quick, only, repeats } = readOptions();
  const cases = sizes
    .flatMap((parameters) => teams.map((team) => ({ ...team, parameters })))
    .flatMap((each) => [0, Math.floor(each.members / 3)].map((dropped): AggregationCase => ({ ...each, dropped })))
    .filter(({ parameters }) => !quick || parameters === sizes[0])
    .filter(({ members, parameters }) => only.members.includes(members) && only.parameters.includes(parameters));
  const python = peer ? await provideFlower(progress) : undefined;
  const folder = await mkdtemp(join(tmpdir(), 'argot-secagg-'));
  const rows: Row[] = [];
  try {
    // The first round of a process also pays for compiling it.
    await playCase({ members: 10, neighbours: 4, dropped: 3, parameters: 100_000 }, updateOf(100_000), signal);
    for (const given of cases) {
      const update = updateOf(given.parameters);
      const [ours, theirs]: [AggregationTimes[], FlowerResult[]] = [[], []];
      for (let i = 0; i < repeats; i++) {
        ours.push(await playCase(given, update, signal));
        if (python !== undefined) theirs.push(await runPeer(python, given, update, join(folder, 'update'), signal));
      }
      rows.push({ ...given, ...quietest(ours), ...peerColumns(theirs) });
      progress(line(rows.at(-1)));
    }
    const round = quick ? undefined : await simulatedRoundSeconds(50, 1_000_000, signal);
    if (round !== undefined)
      progress(`A whole round on a board: 50 members, 1,000,000 parameters: ${round.toFixed(1)} s`);
    progress(
      `Mask streams: ${cipherNames.map((name) => `${name} ${gigabytesPerSecond(name).toFixed(1)} GB/s`).join(', ')}`,
    );
    console.log(json ? JSON.stringify(rows, undefined, 2) : rows.map(line).join('\n'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

interface Row extends AggregationCase {
  readonly memberMs: number;
  readonly coordinatorMs: number;
  readonly bytesPerMember: number;
  readonly peerMemberMs?: number;
  readonly peerCoordinatorMs?: number;
  readonly peerBytesPerMember?: number;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      peer: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      members: { type: 'string' },
      parameters: { type: 'string' },
      repeats: { type: 'string', default: '3' },
    },
  });
  const members = teams.map((team) => team.members);
  const only = {
    members: chosen('--members', values.members, [...new Set(members)]),
    parameters: chosen('--parameters', values.parameters, sizes),
  };
  const repeats = Number(values.repeats);
  if (!Number.isInteger(repeats) || repeats < 1) throw new Error('--repeats is a whole number from 1 on.');
  return { json: values.json, peer: values.peer, quick: values.quick, only, repeats };
}

function chosen(name: string, given: string | undefined, from: readonly number[]): readonly number[] {
  if (given === undefined) return from;
  const number = Number(given);
  if (!from.includes(number)) throw new Error(`${name} is one of ${from.join(', ')}.`);
  return [number];
}

/** Every member sends the same update, so that the mean is known: a saw of small values, like a trained matrix's. */
function updateOf(parameters: number): Float32Array {
  return Float32Array.from({ length: parameters }, (_, i) => (((i * 7919) % 2003) - 1001) / 100_100);
}

async function runPeer(
  python: string,
  { members, neighbours, dropped }: AggregationCase,
  update: Float32Array,
  file: string,
  signal: AbortSignal,
): Promise<FlowerResult> {
  await writeFile(file, new Uint8Array(update.buffer));
  const result = await runFlower(python, { members, neighbours, dropped, vector: file }, signal);
  if (result.largestError > 1e-4) {
    throw new Error(`Flower’s mean is off by ${result.largestError}: its figures do not count.`);
  }
  return result;
}

function peerColumns(results: readonly FlowerResult[]) {
  if (results.length === 0) return {};
  const { memberMs, coordinatorMs, bytesPerMember } = quietest(results);
  return { peerMemberMs: memberMs, peerCoordinatorMs: coordinatorMs, peerBytesPerMember: bytesPerMember };
}

/** The least time of each kind: what else the machine does only ever adds to it. */
function quietest(times: readonly Pick<AggregationTimes, 'memberMs' | 'coordinatorMs' | 'bytesPerMember'>[]) {
  return {
    memberMs: Math.min(...times.map((each) => each.memberMs)),
    coordinatorMs: Math.min(...times.map((each) => each.coordinatorMs)),
    bytesPerMember: Math.max(...times.map((each) => each.bytesPerMember)),
  };
}

function line(row: Row | undefined): string {
  if (row === undefined) return '';
  const { members, neighbours, dropped, parameters } = row;
  const ours = `member ${row.memberMs.toFixed(1)} ms, coordinator ${row.coordinatorMs.toFixed(1)} ms, ${megabytes(row.bytesPerMember)}`;
  const theirs =
    row.peerMemberMs === undefined || row.peerCoordinatorMs === undefined || row.peerBytesPerMember === undefined
      ? ''
      : `; Flower ${row.peerMemberMs.toFixed(1)} ms, ${row.peerCoordinatorMs.toFixed(1)} ms, ${megabytes(row.peerBytesPerMember)}`;
  return `${parameters} parameters, ${members} members, ${neighbours} neighbours, ${dropped} dropped: ${ours}${theirs}`;
}

/** The best of twenty pieces of 10 MB, as masks are made: why the protocol's stream is AES's. */
function gigabytesPerSecond(name: (typeof cipherNames)[number]): number {
  const cipher = createCipheriv(name, new Uint8Array(32), new Uint8Array(16));
  const piece = new Uint8Array(1 << 16);
  const seconds = Array.from({ length: 20 }, () => {
    const started = performance.now();
    for (let i = 0; i < 160; i++) cipher.update(piece);
    return (performance.now() - started) / 1000;
  });
  return (160 * piece.length) / Math.min(...seconds) / 1e9;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(2)} MB`;
}
