import type { DownloadProgress } from './download.ts';

export type OnProgress = (progress: DownloadProgress & { readonly source: string }) => void;

const minimumPauseMs = 100;

/** At most ten calls a second; a new phase, a new source and the last byte always pass. */
export function throttled(onProgress: OnProgress, now: () => number = () => performance.now()): OnProgress {
  let last = Number.NEGATIVE_INFINITY;
  let stage = '';
  return (progress) => {
    const isComplete = progress.totalBytes > 0 && progress.receivedBytes === progress.totalBytes;
    const newStage = `${progress.phase} ${isComplete} ${progress.source}`;
    if (newStage === stage && now() - last < minimumPauseMs) return;
    stage = newStage;
    last = now();
    onProgress(progress);
  };
}
