import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** For Prometheus. Labels are names of ours only: no member, address or federation stands in them. */
export interface Metrics {
  readonly registry: Registry;
  readonly requestSeconds: Histogram<'route' | 'status'>;
  readonly refusals: Counter<'refusal'>;
  readonly receivedBytes: Counter<'kind'>;
  readonly stepFailures: Counter;
}

/** What is counted when it is asked for. */
export interface Census {
  readonly federations: number;
  readonly members: number;
  readonly rounds: ReadonlyMap<string, number>;
}

export function createMetrics(census: () => Census): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'argot_' });
  const registers = [registry];
  new Gauge({
    name: 'argot_federations',
    help: 'Federations founded here.',
    registers,
    collect() {
      this.set(census().federations);
    },
  });
  new Gauge({
    name: 'argot_members',
    help: 'Members in the newest rosters.',
    registers,
    collect() {
      this.set(census().members);
    },
  });
  new Gauge({
    name: 'argot_rounds',
    help: 'Rounds by where they stand.',
    labelNames: ['state'],
    registers,
    collect() {
      this.reset();
      for (const [state, count] of census().rounds) this.set({ state }, count);
    },
  });
  return {
    registry,
    requestSeconds: new Histogram({
      name: 'argot_request_seconds',
      help: 'Time to answer a request.',
      labelNames: ['route', 'status'],
      buckets: [0.002, 0.01, 0.05, 0.25, 1, 5, 30],
      registers,
    }),
    refusals: new Counter({
      name: 'argot_refusals_total',
      help: 'Messages and requests refused, by reason.',
      labelNames: ['refusal'],
      registers,
    }),
    receivedBytes: new Counter({
      name: 'argot_received_bytes_total',
      help: 'Bytes of messages and payloads taken.',
      labelNames: ['kind'],
      registers,
    }),
    stepFailures: new Counter({
      name: 'argot_step_failures_total',
      help: 'Steps of rounds that failed for a reason of the machine, such as a full disk, and will be tried again.',
      registers,
    }),
  };
}
