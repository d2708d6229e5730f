// npm run bench -- privacy [--json] [--parts client,record,membership,inversion] [--members 5,10,20,50] [--epsilons 1,2,8]
//                          [--matrices all,values] [--directions 0,32] [--starts nothing,public] [--record-steps 1,4]
// 0 directions: every number of the matrices is sent.
// What privacy leaves of the gain, at record and at client level, canaries, and whether the forecast has the right sign.
// Each piece of work is kept in the user's cache folder, so that a run that was stopped goes on: docs/benchmarks.md.
import { parseArgs } from 'node:util';
import type { Basis } from '#protocol/federation/basis.ts';
import { runBenchmark } from './lib/main.ts';
import { rounded } from './lib/measure.ts';
import {
  type ClientRow,
  clientLevel,
  clientSizes,
  delta,
  forecastSigns,
  type StartKind,
  startOf,
} from './lib/privacy/clientLevel.ts';
import { readCode } from './lib/privacy/corpus.ts';
import { inversion } from './lib/privacy/inversion.ts';
import { membershipInference } from './lib/privacy/membership.ts';
import { publicBasis } from './lib/privacy/publicBasis.ts';
import { type RecordRow, recordLevel, recordSizes } from './lib/privacy/recordLevel.ts';
import type { Which } from './lib/privacy/vectors.ts';
import { openWorkshop } from './lib/privacy/workshop.ts';

const matrices: readonly Which[] = ['all', 'values'];
const starts: readonly StartKind[] = ['nothing', 'public'];

await runBenchmark(async (signal) => {
  const { values: options } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      parts: { type: 'string', default: 'client,record,membership,inversion' },
      members: { type: 'string', default: '5,10,20,50' },
      epsilons: { type: 'string', default: '1,2,8' },
      matrices: { type: 'string', default: matrices.join(',') },
      directions: { type: 'string', default: '0,32' },
      'record-steps': { type: 'string', default: '1,4' },
      starts: { type: 'string', default: starts.join(',') },
    },
  });
  const progress = (line: string): void => console.error(line);
  const epsilons = options.epsilons.split(',').map(Number);
  const workshop = await openWorkshop(signal, progress);
  const code = await readCode(progress);
  const client: ClientRow[] = [];
  const record: RecordRow[] = [];
  const trains = ['client', 'record'].some((part) => options.parts.includes(part));
  for (const start of starts.filter((each) => trains && options.starts.split(',').includes(each))) {
    const begun = await startOf(start, code, workshop);
    const bases: (Basis | undefined)[] = [];
    for (const directions of options.directions.split(',').map(Number)) {
      bases.push(directions === 0 ? undefined : await publicBasis(code, begun, directions));
    }
    if (options.parts.includes('client')) {
      for (const members of options.members.split(',').map(Number)) {
        for (const which of matrices.filter((each) => options.matrices.split(',').includes(each))) {
          for (const basis of bases) {
            client.push(...(await clientLevel(code, begun, { start, members, which, basis, epsilons })));
            progress(JSON.stringify(client.slice(-1 - epsilons.length)));
          }
        }
      }
    }
    if (options.parts.includes('record')) {
      const steps = options['record-steps'].split(',').map(Number);
      record.push(...(await recordLevel(code, begun, { start, epsilons, steps, bases })));
    }
  }
  const membership = options.parts.includes('membership') ? await membershipInference(code, workshop, epsilons) : [];
  const inverted = options.parts.includes('inversion') ? await inversion(code, workshop, epsilons) : [];
  const signs = forecastSigns(client.map(({ forecasts }) => forecasts));
  const report = {
    delta,
    sizes: { client: clientSizes, record: recordSizes },
    client,
    record,
    membership,
    inversion: inverted,
    forecastSignRightShare: client.length === 0 ? null : rounded(signs.settings.all.right / signs.settings.all.of, 3),
    forecastSigns: signs,
    forecastSignsOfUsualStep: forecastSigns(client.map(({ usualStep }) => usualStep.forecasts)),
  };
  if (options.json) console.log(JSON.stringify(report));
  else {
    console.table(
      client.map(({ forecasts: _, usualStep, ...row }) => ({ ...row, usualStepGain: usualStep.gainPercent })),
    );
    console.table(record);
    console.table(membership);
    console.table(inverted);
    const { all, sure } = signs.settings;
    console.log(
      `The forecast's sign was right in ${all.right} of ${all.of} settings, of the ${sure.of} sure ones in ${sure.right}.`,
    );
  }
});
