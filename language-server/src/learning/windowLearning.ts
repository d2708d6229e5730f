import { randomUUID } from 'node:crypto';
import type { Signal } from '#protocol/signals.ts';
import type { PolicyService } from '../policy/policyService.ts';
import type { Candidate } from './admit.ts';
import { type CollectorSettings, learningOff } from './collector.ts';
import { createObserver, type Settled } from './observer.ts';
import type { Edit } from './trackedRange.ts';

/** A document of a window, as it is now. */
export interface SeenDocument {
  readonly text: string;
  readonly version: number;
  readonly languageId: string;
  readonly path: string;
  readonly folder: { readonly uri: string; readonly name: string } | undefined;
}

export interface WindowLearningDeps {
  /** Returns at once. */
  readonly consider: (candidate: Candidate) => void;
  readonly policy: PolicyService;
  readonly settings: () => CollectorSettings;
  /** False in an untrusted workspace: nothing is learned there. */
  readonly trusted: () => boolean;
  readonly document: (uri: string) => SeenDocument | undefined;
  readonly checksMs: readonly number[];
  readonly now: () => number;
}

/** One window's part of learning: signals and edits come in, candidates go to the learner. */
export interface WindowLearning {
  edited(uri: string, edits: readonly Edit[], version: number): void;
  signal(signal: Signal): void;
  /** Before the document is gone. */
  closing(uri: string): void;
  /** Why nothing is learned in this window; undefined where something is. */
  off(): string | undefined;
}

export function createWindowLearning(deps: WindowLearningDeps): WindowLearning {
  const observer = createObserver({
    text: (uri) => deps.document(uri)?.text,
    version: (uri) => deps.document(uri)?.version,
    settled,
    after(ms, callback) {
      const timer = setTimeout(callback, ms);
      timer.unref();
      return () => clearTimeout(timer);
    },
    checksMs: deps.checksMs,
  });

  function off(): string | undefined {
    if (!deps.trusted()) return 'Nothing is learned in a workspace that is not trusted.';
    return learningOff(deps.policy, deps.settings());
  }

  function settled({ kind, uri, start, end }: Settled): void {
    const document = deps.document(uri);
    if (document === undefined || off() !== undefined) return;
    const candidate = { id: randomUUID(), kind, uri, start, end, atMs: deps.now(), ...document };
    deps.consider(candidate);
  }

  return {
    edited: observer.edited,
    signal(signal) {
      if (off() === undefined) observer.signal(signal);
      else observer.forget();
    },
    closing: observer.closing,
    off,
  };
}
