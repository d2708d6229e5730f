import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fromHex, hex } from '#protocol/federation/bytes.ts';
import { type KeyPair, keyPairFrom, newSigningKeys } from '#protocol/federation/keys.ts';
import { type AuditLog, openAuditLog } from './audit.ts';
import { type BlobStore, openBlobStore } from './blobStore.ts';
import { type Database, openDatabase } from './database.ts';
import type { FederationStore } from './federationStore.ts';
import { type Federations, openFederations } from './federations.ts';
import { type RoundKeeper, roundKeeper } from './roundKeeper.ts';

/** Everything behind the HTTP routes. */
export interface Coordinator extends AsyncDisposable {
  readonly keys: KeyPair;
  /** What founding a federation needs; in the data folder, for whoever runs the coordinator. */
  readonly token: string;
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly audit: AuditLog;
  readonly federations: Federations;
  readonly nowMs: () => number;
  keeperOf(store: FederationStore): RoundKeeper;
  /** Moves this federation's round on soon; what fails is told to `onFailure` and tried again at the next tick. */
  nudge(store: FederationStore): void;
}

export interface CoordinatorSettings {
  readonly data: string;
  readonly releaseWindowMs: number;
  readonly tickMs: number;
  readonly nowMs: () => number;
  readonly onFailure: (error: unknown) => void;
}

export async function openCoordinator(settings: CoordinatorSettings): Promise<Coordinator> {
  const { data, nowMs, onFailure, releaseWindowMs } = settings;
  await mkdir(data, { recursive: true, mode: 0o700 });
  const secret = await onceWritten(join(data, 'signing-key'), () => hex(newSigningKeys().secretKey));
  const token = await onceWritten(join(data, 'founding-token'), () => randomBytes(24).toString('base64url'));
  const keys = keyPairFrom(fromHex(secret));
  const database = openDatabase(join(data, 'coordinator.sqlite'));
  const audit = openAuditLog(database, nowMs);
  const blobs = openBlobStore(join(data, 'blobs'));
  const federations = openFederations(keys.publicKey, { database, blobs, nowMs });
  const keepers = new Map<FederationStore, RoundKeeper>();
  const stopped = new AbortController();
  const busy = new Set<Promise<void>>();

  function keeperOf(store: FederationStore): RoundKeeper {
    const keeper = keepers.get(store) ?? roundKeeper(store, { database, blobs, audit, keys, nowMs, releaseWindowMs });
    keepers.set(store, keeper);
    return keeper;
  }
  function nudge(store: FederationStore): void {
    if (stopped.signal.aborted) return;
    const step: Promise<void> = keeperOf(store)
      .advance(stopped.signal)
      .catch((error: unknown) => {
        if (!stopped.signal.aborted) onFailure(error);
      })
      .finally(() => busy.delete(step));
    busy.add(step);
  }
  const ticks = setInterval(() => federations.all().forEach(nudge), settings.tickMs);
  federations.all().forEach(nudge);

  return {
    ...{ keys, token, database, blobs, audit, federations, nowMs, keeperOf, nudge },
    async [Symbol.asyncDispose]() {
      clearInterval(ticks);
      stopped.abort();
      await Promise.all(busy);
      database[Symbol.dispose]();
    },
  };
}

/** The content of a small secret file, which is written on the first start and never again. */
async function onceWritten(path: string, make: () => string): Promise<string> {
  const there = await readFile(path, 'utf8').catch(() => undefined);
  if (there !== undefined) return there.trim();
  const content = make();
  {
    await using file = await open(`${path}.new`, 'w', 0o600);
    await file.writeFile(`${content}\n`);
    await file.sync();
  }
  await rename(`${path}.new`, path);
  return content;
}
