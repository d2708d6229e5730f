import { resolve } from 'node:path';
import { openCoordinator } from './coordinator.ts';
import { runLead } from './lead.ts';
import { readOptions, usage } from './options.ts';
import { createServer } from './server.ts';

// `npm run coordinator`: serves until it is stopped or killed; either is fine at any moment.
const args = process.argv.slice(2);
if (args[0] === 'lead') process.exit(await runLead(args.slice(1)));
if (args.includes('--help')) {
  console.log(usage);
  process.exit(0);
}
const read = readOptions(args);
if (!read.ok) {
  console.error(`${read.message}\n\n${usage}`);
  process.exit(2);
}
const { options } = read;
const data = resolve(process.env.INIT_CWD ?? process.cwd(), options.data);
let failures = (): void => {};
const coordinator = await openCoordinator({
  data,
  releaseWindowMs: options.releaseWindowMs,
  tickMs: options.tickMs,
  nowMs: Date.now,
  onFailure(error) {
    failures();
    console.error('A step of a round failed and will be tried again:', error);
  },
});
const { app, metrics } = await createServer(coordinator, options);
failures = () => metrics.stepFailures.inc();
const url = await app.listen({ host: options.host, port: options.port });
console.log(`Argot's coordinator listens on ${url}; its folder is ${data}.`);
console.log(`Key: ${Buffer.from(coordinator.keys.publicKey).toString('hex')}`);
console.log(`Whoever founds a federation needs the token in ${data}/founding-token.`);

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    void app
      .close()
      .then(() => coordinator[Symbol.asyncDispose]())
      .then(() => process.exit(0));
  });
}
