import type { ExampleDetails, ExampleFilter, ExampleSummary, ExampleTotals, LearnedKind } from '#protocol/learning.ts';

export const kindText: Readonly<Record<LearnedKind, string>> = {
  accepted: 'Kept',
  partial: 'Kept in part',
  corrected: 'Corrected',
  typedInstead: 'Typed instead',
  undone: 'Taken back',
  ownHistory: 'From your history',
};

export const kindIcon: Readonly<Record<LearnedKind, string>> = {
  accepted: 'check',
  partial: 'list-selection',
  corrected: 'edit',
  typedInstead: 'keyboard',
  undone: 'discard',
  ownHistory: 'git-commit',
};

/** An example as a row of the view; `spoken` is what a screen reader says. */
export interface ExampleRow {
  readonly label: string;
  readonly description: string;
  readonly spoken: string;
  readonly icon: string;
}

export function exampleRow(example: ExampleSummary, dateText: (ms: number) => string): ExampleRow {
  const { kind, path, firstLine, createdAtMs } = example;
  const label = firstLine === '' ? '(nothing was kept)' : firstLine;
  const date = dateText(createdAtMs);
  return {
    label,
    description: `${kindText[kind]} · ${path} · ${date}`,
    spoken: `${label}, ${kindText[kind]}, ${path}, ${date}`,
    icon: kindIcon[kind],
  };
}

/** The name that the developer knows; the hash tells folders of one name apart. */
export function repositoryName(repository: string): string {
  return repository.replace(/#[0-9a-f]{8}$/, '');
}

/** The sentences above the list: what is wrong, whether anything is learned, what is shown. */
export function viewMessage(totals: ExampleTotals, filter: ExampleFilter): string {
  const filtered = filterText(filter);
  return [
    ...(totals.damage === undefined ? [] : [totals.damage]),
    ...(totals.off === undefined ? [] : [totals.off]),
    ...(filtered === undefined ? [] : [`Shown: ${filtered}.`]),
    ...(totals.total === 0 && filtered === undefined
      ? [
          'Argot has no examples yet. It makes them of suggestions that you take, correct or type over, and they stay on this machine.',
        ]
      : []),
  ].join(' ');
}

export function filterText(filter: ExampleFilter): string | undefined {
  const parts = [
    ...(filter.search === undefined ? [] : [`with “${filter.search}”`]),
    ...(filter.kinds === undefined ? [] : [filter.kinds.map((kind) => kindText[kind].toLowerCase()).join(' or ')]),
    ...(filter.repositories === undefined ? [] : [`in ${filter.repositories.map(repositoryName).join(' or ')}`]),
    ...(filter.fromMs === undefined ? [] : [`since ${new Date(filter.fromMs).toLocaleDateString()}`]),
  ];
  return parts.length === 0 ? undefined : parts.join(', ');
}

/** An example as a Markdown document. */
export function exampleDocument(details: ExampleDetails | null | undefined): string {
  if (details === null || details === undefined) return 'This example is not there any more.\n';
  const { summary, text, spanStart, spanEnd, weight, adapterIds } = details;
  const used = adapterIds.length === 0 ? 'no adapter yet' : adapterIds.join(', ');
  return [
    `# ${kindText[summary.kind]}: ${summary.path}`,
    [
      `- Repository: ${repositoryName(summary.repository)}`,
      `- Language: ${summary.languageId}`,
      `- When: ${new Date(summary.createdAtMs).toLocaleString()}`,
      `- Weight beside the lines around it: ${weight}`,
      `- Used by: ${used}`,
    ].join('\n'),
    '## What it is about',
    fenced(text.slice(spanStart, spanEnd), summary.languageId),
    '## With the lines around it',
    fenced(text, summary.languageId),
    '',
  ].join('\n\n');
}

/** A fence that the content can't close. */
export function fenced(content: string, languageId: string): string {
  const longest = Math.max(2, ...(content.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${languageId}\n${content.replace(/\n$/, '')}\n${fence}`;
}
