import type { IndexStatus, Problem, Status } from '#protocol/status.ts';
import { type NoSuggestionReason, reasonText } from '#protocol/trace.ts';
import type { Until } from './snooze.ts';
import type { Link } from './supervisor.ts';
import { sizeText, speedText } from './units.ts';

/** All that the status item shows is derived from this. */
export interface Facts {
  readonly link: Link;
  readonly status: Status | undefined;
  readonly snoozedUntil: Until | undefined;
  /** Why the document in front gets no suggestions, when that is by choice. */
  readonly off: NoSuggestionReason | undefined;
  readonly rivals: readonly string[];
}

export type Mood = 'starting' | 'ready' | 'busy' | 'paused' | 'problem';

export interface Presentation {
  readonly mood: Mood;
  readonly text: string;
  /** Markdown. */
  readonly tooltip: string;
  /** What a screen reader says. */
  readonly spoken: string;
}

export function moodOf(facts: Facts): Mood {
  const { link, status } = facts;
  if (link.kind === 'lost' && link.tell) return 'problem';
  if (status?.state === 'problem') return 'problem';
  if (facts.snoozedUntil !== undefined || facts.off !== undefined) return 'paused';
  if (link.kind !== 'connected' || status === undefined || status.state === 'loading') return 'starting';
  return status.state;
}

const icons: Record<Mood, string> = {
  starting: '$(loading~spin)',
  ready: '$(quote)',
  busy: '$(sync~spin)',
  paused: '$(debug-pause)',
  problem: '$(warning)',
};

export function present(facts: Facts): Presentation {
  const mood = moodOf(facts);
  const lines = [headline(facts, mood), ...details(facts)];
  return {
    mood,
    text: `${icons[mood]} Argot`,
    tooltip: lines.join('\n\n'),
    spoken: `Argot: ${lines[0] ?? mood}`,
  };
}

function headline(facts: Facts, mood: Mood): string {
  switch (mood) {
    case 'problem':
      return (
        facts.status?.problem?.message ?? (facts.link.kind === 'lost' ? facts.link.message : 'Something is wrong.')
      );
    case 'paused':
      return facts.snoozedUntil === undefined ? reasonText[facts.off ?? 'disabled'] : snoozeText(facts.snoozedUntil);
    case 'starting':
      return facts.link.kind === 'connected' ? 'The model is loading.' : 'The language server is starting.';
    case 'busy':
      return 'Working on a suggestion.';
    case 'ready':
      return 'Ready: suggestions come as you type.';
  }
}

function indexText({ state, files, truncated }: IndexStatus): string {
  const rest = truncated ? ' The folder is too large: the rest is left out.' : '';
  return `${state === 'scanning' ? 'Indexing the folder' : 'Indexed'}: ${files} ${files === 1 ? 'file' : 'files'}.${rest}`;
}

export function snoozeText(until: Until): string {
  if (until === 'restart') return 'Snoozed until VS Code restarts.';
  const time = new Date(until).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  return `Snoozed until ${time}.`;
}

function details(facts: Facts): string[] {
  const { status } = facts;
  const lines: string[] = [];
  if (status?.model)
    lines.push(`Model: ${status.model.name} (${sizeText(status.model.sizeBytes)}, ${status.model.licence})`);
  if (status?.backend) {
    const { device, threads, reason } = status.backend;
    lines.push(
      `Computes on: ${deviceNames[device]}${device === 'cpu' ? `, ${threads} ${threads === 1 ? 'thread' : 'threads'}` : ''}. ${reason}`,
    );
  }
  if (status?.speed) lines.push(`Speed: ${speedText(status.speed)}`);
  if (status?.index) lines.push(indexText(status.index));
  const beside = besides(status?.problem, status);
  if (beside !== undefined) lines.push(`Note: ${beside}`);
  if (facts.rivals.length > 0) lines.push(rivalText(facts.rivals));
  return lines;
}

/** A problem beside a working model is no headline. */
function besides(problem: Problem | undefined, status: Status | undefined): string | undefined {
  return status?.state === 'problem' ? undefined : problem?.message;
}

const deviceNames = { cpu: 'CPU', metal: 'Metal', cuda: 'CUDA', vulkan: 'Vulkan' } as const;

export function rivalText(rivals: readonly string[]): string {
  return `Also active: ${rivals.join(', ')}. VS Code shows one suggestion at a time, so switch one of them off.`;
}
