import type { DownloadProgressParams, ModelChoice } from '#protocol/models.ts';
import { sizeText, speedText } from './units.ts';

/** A model as one row of the picker, without icons: a screen reader reads it as it stands. */
export interface ModelItem {
  readonly label: string;
  readonly description: string;
  readonly detail: string;
}

export function modelItem(choice: ModelChoice): ModelItem {
  const parameters = choice.parameters === '' ? '' : `${choice.parameters} parameters, `;
  return {
    label: choice.active ? `$(check) ${choice.name}` : choice.name,
    description: `${parameters}${sizeText(choice.sizeBytes)}, ${choice.licence}`,
    detail: [
      choice.active ? 'In use' : choice.installed ? 'Installed' : 'Not downloaded',
      choice.fitsMemory
        ? `needs ${sizeText(choice.memoryBytes)} of memory`
        : `needs ${sizeText(choice.memoryBytes)} of memory, more than this machine has free`,
      choice.speed === undefined ? 'speed not measured yet' : speedText(choice.speed),
      ...(choice.fillInTheMiddle ? [] : ['does not see the text after the cursor']),
    ].join(' · '),
  };
}

export function consentText(choice: ModelChoice, endpoint: string): string {
  const fits = choice.fitsMemory ? '' : ' It needs more memory than this machine has free, and may not load.';
  return `Download ${choice.name}: ${sizeText(choice.sizeBytes)}, licence ${choice.licence}, from ${endpoint} or a package mirror?${fits}`;
}

export function progressText(progress: DownloadProgressParams): string {
  if (progress.phase === 'connecting') return `Connecting to ${progress.source}…`;
  if (progress.phase === 'verifying') return 'Verifying…';
  const total = progress.totalBytes > 0 ? ` of ${sizeText(progress.totalBytes)}` : '';
  return `${sizeText(progress.receivedBytes)}${total} from ${progress.source}`;
}

/** The quickest to have: what “Download Default Model” takes. */
export function smallest(choices: readonly ModelChoice[]): ModelChoice | undefined {
  return choices.toSorted((a, b) => a.sizeBytes - b.sizeBytes)[0];
}
