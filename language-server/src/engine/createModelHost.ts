import type { ModelChoice, ModelOutcome } from '#protocol/models.ts';
import { checkSettings, type Settings } from '#protocol/settings.ts';
import type { Problem, Status } from '#protocol/status.ts';
import type { Outbound } from '../network/outbound.ts';
import type { PolicyService } from '../policy/policyService.ts';
import type { Engine } from './engine.ts';
import { errorMessage, type Fault } from './faults.ts';
import { type Library, loadLibrary, warmLibrary } from './library.ts';
import { loadModel } from './loadModel.ts';
import type { EngineState, ModelHost } from './modelHost.ts';
import { modelStore } from './modelStore.ts';
import { permitModel } from './permitModel.ts';
import { createQueue } from './queue.ts';
import type { FoundModel, StoredModel } from './storedModel.ts';

export interface ModelHostDeps {
  readonly home: string;
  readonly policy: PolicyService;
  readonly outbound: Outbound;
  readonly log: (message: string) => void;
}

/** One sequence: a prompt of up to 768 tokens and its completion. */
const contextTokens = 1024;
const batchTokens = 128;
/** Speeds are written down this often, so that the model picker can show them. */
const rememberEveryMs = 30_000;

/** What a load depends on; a change of any of it loads anew. */
type Wanted = Pick<Settings, 'model' | 'gpu' | 'threads'>;

export function createModelHost({ home, policy, outbound, log }: ModelHostDeps): ModelHost {
  let settings: Settings | undefined;
  const store = modelStore({
    home,
    reach: () => ({ ...(settings ?? checkSettings({}).settings), env: process.env, outbound }),
  });
  const enqueue = createQueue();
  const listeners = new Set<() => void>();
  const libraries = new Map<Settings['gpu'], Promise<Library>>();
  let wanted: Wanted | undefined;
  let engine: Engine | undefined;
  /** What `engine` was loaded for. */
  let loadedFor: Wanted | undefined;
  let problem: Problem | undefined;
  let loading: Promise<unknown> | undefined;
  let inMemory = 0;
  let memoryBytes = 0;

  warmLibrary();
  const remember = setInterval(() => void rememberSpeed(), rememberEveryMs);
  remember.unref();

  function changed(): void {
    for (const listener of listeners) listener();
  }

  function library(gpu: Settings['gpu']): Promise<Library> {
    const known = libraries.get(gpu);
    if (known !== undefined) return known;
    const loaded = loadLibrary({ gpu, threads: 0, log: (level, message) => log(`llama.cpp, ${level}: ${message}`) });
    libraries.set(gpu, loaded);
    loaded.catch(() => libraries.delete(gpu));
    return loaded;
  }

  /** Loads what the settings want, unless it is in use; the model in use stays until the new one works. */
  async function load(target: Wanted): Promise<void> {
    const found = await find(target.model);
    const forbidden = found.ok ? await permitModel(policy, found.model.info) : found.problem;
    if (!found.ok || forbidden !== undefined) {
      problem = forbidden;
      return;
    }
    if (isInUse(found.model, target)) {
      problem = undefined;
      return;
    }
    const options = {
      gpu: target.gpu,
      threads: target.threads,
      contextTokens,
      batchTokens,
      log: (level: string, message: string) => log(`llama.cpp, ${level}: ${message}`),
    };
    const outcome = await loadModel(() => library(target.gpu), found.model, options, memoryBytes);
    if (!outcome.ok) {
      problem = outcome.problem;
      return;
    }
    const previous = engine;
    engine = outcome.engine;
    loadedFor = target;
    memoryBytes = outcome.memoryBytes;
    inMemory++;
    problem = undefined;
    if (previous !== undefined) {
      await previous[Symbol.asyncDispose]();
      inMemory--;
    }
    log(
      `${engine.model.name} is loaded; ${engine.backend.device}, ${engine.backend.threads} threads: ${engine.backend.reason}.`,
    );
  }

  /** A file that was replaced by another of the same name is another model. */
  function isInUse({ info }: StoredModel, { gpu, threads }: Wanted): boolean {
    return (
      engine?.model.path === info.path &&
      engine.model.sizeBytes === info.sizeBytes &&
      loadedFor?.gpu === gpu &&
      loadedFor.threads === threads
    );
  }

  async function find(model: string): Promise<FoundModel> {
    if (model !== 'auto') return store.find(model);
    const best = await store.pickDefault(async ({ info }) => (await permitModel(policy, info)) === undefined);
    return best === undefined ? { ok: false, problem: noModel } : { ok: true, model: best };
  }

  function reload(target: Wanted): Promise<void> {
    const run = enqueue(() => load(target))
      .catch((error: unknown) => {
        problem = {
          code: 'modelFailed',
          message: `The model could not be loaded: ${errorMessage(error)}.`,
          remedy: { title: 'Show Output', command: 'argot.showOutput' },
        };
      })
      .finally(() => {
        if (loading === run) loading = undefined;
        changed();
      });
    loading = run;
    changed();
    return run;
  }

  /** A model that has become forbidden goes at once, without another to take its place. */
  async function obey(): Promise<void> {
    const forbidden = engine === undefined ? undefined : await permitModel(policy, engine.model);
    if (engine !== undefined && forbidden !== undefined) {
      const previous = engine;
      engine = undefined;
      memoryBytes = 0;
      problem = forbidden;
      changed();
      await previous[Symbol.asyncDispose]();
      inMemory--;
    }
    if (wanted !== undefined && problem?.code === 'policy') await load(wanted);
  }

  function policyChanged(): void {
    enqueue(obey)
      .catch((error: unknown) => log(errorMessage(error)))
      .finally(changed);
  }
  const unsubscribe = policy.onChange(policyChanged);

  async function rememberSpeed(): Promise<void> {
    const speed = engine?.speed();
    if (engine === undefined || speed === undefined) return;
    const fault = await store.rememberSpeed(engine.model.id, speed);
    if (fault !== undefined) log(fault.message);
  }

  async function settle(id: string, before: Engine | undefined): Promise<ModelOutcome> {
    await loading;
    if (problem === undefined) return { ok: true, id };
    const kept = before !== undefined && engine === before ? ` ${before.model.name} stays in use.` : '';
    return { ok: false, cancelled: false, message: problem.message + kept };
  }

  async function use(id: string): Promise<ModelOutcome> {
    const before = engine;
    wanted = { model: id, gpu: settings?.gpu ?? 'auto', threads: settings?.threads ?? 0 };
    void reload(wanted);
    return settle(id, before);
  }

  function state(): EngineState {
    if (engine !== undefined) return { kind: 'ready', engine };
    if (loading !== undefined) return { kind: 'loading', loaded: loading };
    return { kind: 'none', reason: problem === undefined || problem.code === 'noModel' ? 'noModel' : 'modelProblem' };
  }

  function status(): Pick<Status, 'state' | 'model' | 'backend' | 'speed' | 'problem'> {
    const speed = engine?.speed();
    return {
      state: engine !== undefined ? 'ready' : loading !== undefined ? 'loading' : 'problem',
      ...(engine === undefined ? {} : { model: summary(engine), backend: engine.backend }),
      ...(speed === undefined ? {} : { speed }),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  return {
    state,
    status,
    modelsInMemory: () => inMemory,
    configure(next) {
      const before = settings;
      settings = next;
      // A model that was chosen by request is written into the settings afterwards: that is no second change.
      const differs = (key: keyof Wanted) => next[key] !== before?.[key] && next[key] !== wanted?.[key];
      if (wanted !== undefined && !differs('model') && !differs('gpu') && !differs('threads')) return;
      wanted = { model: next.model, gpu: next.gpu, threads: next.threads };
      void reload(wanted);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async list(): Promise<readonly ModelChoice[]> {
      const { choices, complaints } = await store.list(
        engine === undefined ? undefined : { id: engine.model.id, memoryBytes },
      );
      for (const complaint of complaints) log(complaint);
      const speed = engine?.speed();
      return choices.map((choice) => (choice.active && speed !== undefined ? { ...choice, speed } : choice));
    },
    use,
    async download(id, onProgress, signal) {
      const fetched = await store.fetch(id, { onProgress, signal });
      if (!fetched.ok) return refused(fetched.fault);
      if (engine !== undefined && wanted?.model !== 'auto') return { ok: true, id };
      return use(id);
    },
    async importFile(path, onProgress, signal) {
      const imported = await store.importFile(path, onProgress, signal);
      return imported.ok ? { ok: true, id: imported.id } : refused(imported.fault);
    },
    async [Symbol.asyncDispose]() {
      clearInterval(remember);
      unsubscribe();
      await rememberSpeed();
      await engine?.[Symbol.asyncDispose]();
    },
  };
}

const noModel: Problem = {
  code: 'noModel',
  message: 'Argot has no model yet. Download the small default model (98 MB), or choose another.',
  remedy: { title: 'Download', command: 'argot.downloadDefaultModel' },
};

function summary({ model }: Engine) {
  const { id, name, sizeBytes, licence } = model;
  return { id, name, sizeBytes, licence };
}

function refused(fault: Fault): ModelOutcome {
  const { code, message, refusal } = fault;
  return { ok: false, cancelled: code === 'cancelled', message, ...(refusal && { field: refusal.field }) };
}
