import { createHash } from 'node:crypto';
import { lstat, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorMessage } from '../engine/faults.ts';
import { createQueue } from '../engine/queue.ts';
import { type AdminFileState, adminFileState } from '../policy/adminFile.ts';
import { type Layer, lockDown } from '../policy/layers.ts';
import { userLayer } from '../policy/lowerLayers.ts';
import { createLayeredPolicy, type PolicyService } from '../policy/policyService.ts';
import { type AdminPaths, adminPaths } from './adminPaths.ts';
import { organisationLayers } from './organisationLayers.ts';
import { organisationMemory } from './organisationMemory.ts';
import { readAdminFile } from './readAdminFile.ts';

/** The policy of this machine and user as it is now: what an administrator or the user changes holds within a second. */
export interface LivePolicy extends PolicyService, AsyncDisposable {
  readonly paths: AdminPaths;
  /** The `argot.policy` setting of one window; the strictest of all windows holds. Returns what can't be read of it. */
  setUser(window: object, settings: Readonly<Record<string, unknown>>): readonly string[];
  /** The window is gone. What the last one said holds on, since work may go on without it. */
  forgetUser(window: object): void;
  /** The organisation's signed policy, as a coordinator sent it: it counts where it is newer and the key is pinned. */
  offerOrganisationPolicy(file: Uint8Array): Promise<void>;
  /** Reads all files again, now. */
  refresh(): Promise<void>;
}

export interface LivePolicyOptions {
  readonly platform: string;
  /** For what must not go back. Not `ARGOT_HOME`: whoever starts the process could choose another. */
  readonly memoryFolder: string;
  readonly log: (message: string) => void;
  /** Other than the system's own in unit tests only: no setting and no variable leads here. */
  readonly paths?: AdminPaths;
}

const lookEveryMs = 400;
/** Not every file system tells of each change in a file's status. */
const readEveryMs = 60_000;

export async function openLivePolicy(options: LivePolicyOptions): Promise<LivePolicy> {
  const { log, paths = adminPaths(options.platform) } = options;
  const memory = organisationMemory(options.memoryFolder);
  const policy = createLayeredPolicy();
  const enqueue = createQueue();
  const users = new Map<object, Layer>();
  let lastUser: Layer | undefined;
  let fileLayers: readonly Layer[] = [];
  let heldAdmin: Layer | undefined;
  let offered: Uint8Array | undefined;
  let signature = '';
  let readAtMs = 0;

  function apply(): void {
    const user = users.size > 0 ? [...users.values()] : lastUser === undefined ? [] : [lastUser];
    policy.replace([...fileLayers, ...user]);
  }

  async function read(): Promise<void> {
    signature = await signatureOf(paths);
    readAtMs = Date.now();
    const admin = adminFileState(await readAdminFile(paths.policy));
    // Limits that can no longer be read still hold; a file that an administrator removed is gone.
    const layers = layersOf(admin, heldAdmin);
    heldAdmin = admin.state === 'lockedDown' ? heldAdmin : layers[0];
    const pinned = admin.state === 'none' ? undefined : admin.organisation;
    fileLayers = [...(await organisation(pinned)), ...layers];
    apply();
  }

  async function organisation(pinned: Parameters<typeof organisationLayers>[1]): Promise<readonly Layer[]> {
    try {
      const file = await readFile(paths.organisation).catch((error: unknown) => missingOnly(error));
      // What a coordinator sent counts once it is remembered; a forgery from there is no matter of this machine's.
      if (offered !== undefined) await organisationLayers(offered, pinned, memory, log);
      return await organisationLayers(file, pinned, memory, log);
    } catch (error) {
      return pinned === undefined ? [] : [lockDown('organisation', unreadable(errorMessage(error)))];
    }
  }

  const refresh = (): Promise<void> => enqueue(read);
  await refresh();
  const timer = setInterval(() => void look().catch((error: unknown) => log(errorMessage(error))), lookEveryMs);
  timer.unref();

  async function look(): Promise<void> {
    if (Date.now() - readAtMs > readEveryMs || (await signatureOf(paths)) !== signature) await refresh();
  }

  return {
    paths,
    effective: policy.effective,
    decide: policy.decide,
    onChange: policy.onChange,
    setUser(window, settings) {
      const { layer, complaints } = userLayer(settings);
      users.set(window, layer);
      lastUser = layer;
      apply();
      return complaints;
    },
    forgetUser(window) {
      lastUser = users.get(window) ?? lastUser;
      users.delete(window);
      apply();
    },
    async offerOrganisationPolicy(file) {
      offered = file;
      await refresh();
    },
    refresh,
    [Symbol.asyncDispose]: async () => clearInterval(timer),
  };
}

function layersOf(admin: AdminFileState, held: Layer | undefined): readonly Layer[] {
  if (admin.state === 'none') return [];
  if (admin.state === 'holds' || held === undefined) return [admin.layer];
  return [admin.layer, held];
}

/** Changes whenever a file, its owner, its mode or the folder that it lies in does. */
async function signatureOf(paths: AdminPaths): Promise<string> {
  const hash = createHash('sha256');
  for (const path of [dirname(paths.policy), paths.policy, paths.organisation]) {
    const status = await lstat(path, { bigint: true }).catch((error: unknown) => errorMessage(error));
    if (typeof status === 'string') hash.update(status);
    else {
      const { dev, ino, mode, uid, gid, size, mtimeNs, ctimeNs } = status;
      hash.update([dev, ino, mode, uid, gid, size, mtimeNs, ctimeNs].join(':'));
    }
    hash.update('\0');
  }
  return hash.digest('hex');
}

function missingOnly(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}

function unreadable(why: string): string {
  return `The organisation’s policy can’t be read (${why}). Learning, federation and the network are off until it can.`;
}
