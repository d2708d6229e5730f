import type { AdapterSummary, TrainingState } from '#protocol/learningRuns.ts';

/** A version as a row of “Argot: Adapters”. */
export function adapterItem(version: AdapterSummary, pinned: boolean) {
  const active = version.scale !== undefined;
  const icon = active
    ? pinned
      ? '$(pinned)'
      : '$(check)'
    : version.verdict === 'better'
      ? '$(history)'
      : '$(circle-slash)';
  return {
    label: `${icon} ${version.kind === 'personal' ? 'Personal' : 'Team'}, ${dateOf(version.createdAtMs)}`,
    description: active ? `in use at ${version.scale}${pinned ? ', pinned' : ''}` : verdictText(version),
    detail: detailText(version),
  };
}

function verdictText({ verdict, fits, baseName }: AdapterSummary): string {
  if (!fits) return `for ${baseName}`;
  return verdict === undefined ? 'not judged yet' : verdictWords[verdict];
}

const verdictWords = {
  better: 'was better',
  notBetter: 'was not better',
  forgets: 'forgot too much',
  tooFew: 'too few examples to judge',
} as const;

function detailText({ origin, examples, tokens, gain, gainLow, forgetting, sizeBytes }: AdapterSummary): string {
  const parts = [
    origin === 'trained' ? `${examples} examples, ${tokens} tokens` : origin === 'round' ? 'from a round' : 'imported',
    ...(gain === undefined || gainLow === undefined ? [] : [`gain ${percent(gain)} (at least ${percent(gainLow)})`]),
    ...(forgetting === undefined ? [] : [`generic code ${forgetting <= 0 ? '' : '+'}${percent(forgetting)}`]),
    `${(sizeBytes / 1e6).toFixed(1)} MB`,
  ];
  return parts.join(' · ');
}

/** Two versions side by side, as Markdown. */
export function comparison(a: AdapterSummary, b: AdapterSummary): string {
  const rows: [string, (version: AdapterSummary) => string][] = [
    ['made', (version) => dateOf(version.createdAtMs)],
    ['kind', ({ kind, origin }) => `${kind}, ${origin}`],
    ['base model', ({ baseName }) => baseName],
    ['learnt from', ({ examples, tokens }) => `${examples} examples, ${tokens} tokens`],
    ['gain on held-out examples', ({ gain }) => (gain === undefined ? '–' : percent(gain))],
    ['at least (95 %)', ({ gainLow }) => (gainLow === undefined ? '–' : percent(gainLow))],
    ['loss on generic code', ({ forgetting }) => (forgetting === undefined ? '–' : percent(forgetting))],
    ['in use at', ({ scale }) => (scale === undefined ? 'not in use' : String(scale))],
  ];
  const lines = rows.map(([name, of]) => `| ${name} | ${of(a)} | ${of(b)} |`);
  return [`|  | ${a.id} | ${b.id} |`, '|---|---|---|', ...lines, ''].join('\n');
}

export function trainingText(state: TrainingState): string {
  if (state.kind === 'idle') return '';
  if (state.paused) return 'paused while you type';
  if (state.phase === 'judging') return 'judging what was learnt';
  if (state.steps === 0) return 'reading your examples';
  const left = state.secondsLeft === undefined ? '' : `, about ${Math.ceil(state.secondsLeft / 60)} min left`;
  return `step ${state.step} of ${state.steps}${left}`;
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
