import type { CompletionDay, DashboardView, PrivacySpent } from '#protocol/dashboard.ts';
import type { AdapterSummary } from '#protocol/learningRuns.ts';
import type { Left } from '#protocol/ledger.ts';
import type { PolicyOrigin, PolicyRow } from '#protocol/policy.ts';
import type { ChartSpec } from './chart.ts';
import { details, element, table } from './element.ts';
import type { PageCommand } from './messages.ts';

/** A part of the page; `chart` is drawn once the part stands in it. */
export interface Section {
  readonly id: string;
  readonly title: string;
  readonly content: readonly HTMLElement[];
  readonly chart?: ChartSpec;
  readonly chart2?: ChartSpec;
}

export function sections(view: DashboardView): readonly Section[] {
  return [
    completions(view.completions),
    adapters(view.adapters),
    rounds(view),
    privacy(view),
    left(view),
    policy(view),
  ];
}

function completions(days: readonly CompletionDay[]): Section {
  const about = { id: 'completions', title: 'Completions' };
  if (days.length === 0) {
    return {
      ...about,
      content: [
        empty(
          'Nothing was suggested yet. Open a file and type: what is shown, accepted and kept is counted here, on this machine alone.',
        ),
      ],
    };
  }
  const sum = (pick: (day: CompletionDay) => number): number => days.reduce((total, day) => total + pick(day), 0);
  const [shown, accepted, kept] = [sum((day) => day.shown), sum((day) => day.accepted), sum((day) => day.kept)];
  const newest = days.findLast(({ p50Ms }) => p50Ms !== null);
  const times = days.map(({ day }) => secondsOf(day));
  return {
    ...about,
    content: [
      figures([
        ['shown', count(shown)],
        ['accepted', `${count(accepted)} (${share(accepted, shown)})`],
        ['kept', `${count(kept)} (${share(kept, accepted)})`],
        ['typical wait', milliseconds(newest?.p50Ms ?? null)],
      ]),
      details(
        'Day by day',
        table(
          'Completions by day',
          ['Day', 'Shown', 'Accepted', 'Kept', 'Median wait', '95 % within'],
          days
            .toReversed()
            .map((day) => [
              day.day,
              count(day.shown),
              count(day.accepted),
              count(day.kept),
              milliseconds(day.p50Ms),
              milliseconds(day.p95Ms),
            ]),
        ),
      ),
    ],
    chart: {
      label: `Completions by day: ${count(shown)} shown, ${count(accepted)} accepted, ${count(kept)} kept. The table has the numbers.`,
      times,
      unit: count,
      series: [
        { label: 'Shown', colour: 'blue', values: days.map((day) => day.shown) },
        { label: 'Accepted', colour: 'green', values: days.map((day) => day.accepted), dash: [8, 4] },
        { label: 'Kept', colour: 'orange', values: days.map((day) => day.kept), dash: [2, 3] },
      ],
    },
    chart2: {
      label: 'Wait for a suggestion by day, median and 95th percentile. The table has the numbers.',
      times,
      unit: milliseconds,
      series: [
        { label: 'Median wait', colour: 'blue', values: days.map((day) => day.p50Ms) },
        { label: '95 % within', colour: 'red', values: days.map((day) => day.p95Ms), dash: [8, 4] },
      ],
    },
  };
}

function adapters(all: readonly AdapterSummary[]): Section {
  const about = { id: 'adapters', title: 'Adapters' };
  const versions = [...all].sort((a, b) => a.createdAtMs - b.createdAtMs);
  const judged = versions.filter(({ gain }) => gain !== undefined);
  if (versions.length === 0) {
    return {
      ...about,
      content: [
        empty(
          'There is no adapter yet. Argot trains one from what you accept and correct, once there is enough of it, while the machine is idle; a version is used only if it is better on code that it was not trained on.',
        ),
      ],
    };
  }
  return {
    ...about,
    content: [
      details(
        'All versions',
        table(
          'Adapter versions',
          ['Made', 'Kind', 'In use', 'Gain on held-out code', '95 % at least', 'Verdict', 'Examples'],
          versions
            .toReversed()
            .map((each) => [
              when(each.createdAtMs),
              each.kind,
              each.scale === undefined ? 'no' : `at ${each.scale}`,
              percent(each.gain),
              percent(each.gainLow),
              each.verdict ?? 'not judged',
              count(each.examples),
            ]),
        ),
      ),
      buttons([['Manage Adapters', 'argot.manageAdapters']]),
    ],
    ...(judged.length === 0
      ? {}
      : {
          chart: {
            label: `Gain of ${judged.length} judged adapters on held-out code, with the lower end of the 95 % interval. The table has the numbers.`,
            times: judged.map(({ createdAtMs }) => createdAtMs / 1000),
            unit: (value: number) => `${value.toFixed(1)} %`,
            series: [
              { label: 'Gain', colour: 'green' as const, values: judged.map(({ gain }) => (gain ?? 0) * 100) },
              {
                label: '95 % at least',
                colour: 'blue' as const,
                values: judged.map(({ gainLow }) => (gainLow ?? 0) * 100),
                dash: [4, 4],
              },
            ],
          },
        }),
  };
}

function rounds({ rounds: all }: DashboardView): Section {
  const about = { id: 'rounds', title: 'Team rounds' };
  if (all.length === 0) {
    return {
      ...about,
      content: [
        empty(
          'This machine has taken part in no round. A team lead enrols a repository; you are asked before anything of yours takes part.',
        ),
      ],
    };
  }
  const rows = all
    .toReversed()
    .map(({ team, round, atMs, outcome, gain, epsilon, forecast }) => [
      ...[team, String(round), when(atMs), outcome],
      gain === undefined ? '–' : `${(100 * gain).toFixed(1)} %`,
      ...[epsilon?.toFixed(2) ?? '–', forecast ?? '–'],
    ]);
  const columns = ['Team', 'Round', 'When', 'For you', 'Gain on your code', 'Epsilon', 'Forecast and outcome'];
  return { ...about, content: [table('Team rounds', columns, rows)] };
}

function privacy({ privacy: spent }: DashboardView): Section {
  const about = { id: 'privacy', title: 'Privacy spent' };
  const [first] = spent;
  if (first === undefined) {
    return { ...about, content: [empty('No privacy was spent: nothing that was learned here has left this machine.')] };
  }
  return {
    ...about,
    content: spent.flatMap((unit) => [
      figures([
        [
          unit.unit === 'member' ? 'epsilon of you as a member, this year' : 'epsilon of each record, this year',
          epsilonNow(unit),
        ],
        ['cap for a year', unit.capPerYear === null ? 'none' : unit.capPerYear.toFixed(2)],
        ['at delta', unit.delta.toExponential()],
      ]),
      details(
        unit.unit === 'member' ? 'Each spend of this member' : 'Each spend of records',
        table(
          'Spends of the last year',
          ['When', 'For', 'Epsilon afterwards'],
          unit.points.toReversed().map(({ atMs, purpose, epsilon }) => [when(atMs), purpose, epsilon.toFixed(3)]),
        ),
      ),
    ]),
    chart: {
      label: `Epsilon over the last year: ${epsilonNow(first)} of ${first.capPerYear ?? 'no cap'}. The table has the numbers.`,
      times: first.points.map(({ atMs }) => atMs / 1000),
      unit: (value) => value.toFixed(1),
      series: [
        { label: 'Epsilon', colour: 'orange', values: first.points.map(({ epsilon }) => epsilon) },
        ...(first.capPerYear === null
          ? []
          : [
              {
                label: 'Cap',
                colour: 'red' as const,
                values: first.points.map(() => first.capPerYear),
                dash: [8, 4],
                points: false,
              },
            ]),
      ],
    },
  };
}

function left({ left: { check, days, entries } }: DashboardView): Section {
  const about = { id: 'left', title: 'What left this machine' };
  const actions = buttons([
    ['Verify Ledger', 'argot.verifyLedger'],
    ['Export Ledger…', 'argot.exportLedger'],
  ]);
  if (!check.ok)
    return { ...about, content: [element('p', { class: 'problem', role: 'alert' }, check.message), actions] };
  if (entries.length === 0) {
    return {
      ...about,
      content: [
        empty('Nothing has left this machine. Each request would be recorded here before it is sent.'),
        actions,
      ],
    };
  }
  const rows = entries.toReversed().map((entry) => [when(entry.at), entry.to, entry.about, sent(entry)]);
  return {
    ...about,
    content: [
      figures([
        ['sent in all', bytes(check.bytes)],
        ['entries, each bound to the one before', count(check.entries)],
      ]),
      details(
        `The newest ${entries.length === 1 ? 'entry' : `${entries.length} entries`}`,
        table('What left, newest first', ['When', 'To', 'What', 'Bytes'], rows),
      ),
      actions,
    ],
    chart: {
      label: `Bytes sent by day, ${bytes(check.bytes)} in all. The table has each request.`,
      times: days.map(({ day }) => secondsOf(day)),
      unit: bytes,
      series: [{ label: 'Sent', colour: 'blue', values: days.map((day) => day.bytes), bars: true }],
    },
  };
}

function policy({ policy: { rows, lockedDown, complaints } }: DashboardView): Section {
  const said = [...lockedDown, ...complaints];
  const set = rows.filter(({ origins }) => origins.some((origin) => origin !== 'floor'));
  const cells = (row: PolicyRow) => [
    element('span', {}, row.field, ...(row.locked ? [lock()] : [])),
    row.value,
    row.origins.map((origin) => whose[origin]).join(' and '),
    row.locked ? 'locked: your settings can’t loosen it' : `you may set up to: ${row.bound}`,
  ];
  const heads = ['Field', 'Value', 'Set by', 'Lock'];
  return {
    id: 'policy',
    title: 'Effective policy',
    content: [
      ...said.map((sentence) => element('p', { class: 'problem', role: 'alert' }, sentence)),
      set.length === 0
        ? empty('Neither an administrator, an organisation nor you have set anything: Argot’s own limits hold.')
        : table('Set by somebody', heads, set.map(cells)),
      details('All fields', table('All fields', heads, rows.map(cells))),
      buttons([
        ['Show Effective Policy', 'argot.showPolicy'],
        ['Open Settings', 'argot.openSettings'],
      ]),
    ],
  };
}

const whose: Readonly<Record<PolicyOrigin, string>> = {
  floor: 'Argot',
  organisation: 'your organisation',
  admin: 'this machine’s administrator',
  user: 'your settings',
  federation: 'the repository’s federation',
};

function lock(): HTMLElement {
  return element('span', { class: 'lock', title: 'locked', 'aria-label': 'locked', role: 'img' }, ' 🔒');
}

function buttons(all: readonly (readonly [string, PageCommand])[]): HTMLElement {
  return element(
    'div',
    { class: 'buttons' },
    ...all.map(([label, command]) => element('vscode-button', { secondary: '', 'data-command': command }, label)),
  );
}

function figures(all: readonly (readonly [string, string])[]): HTMLElement {
  return element(
    'dl',
    { class: 'figures' },
    ...all.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))),
  );
}

function empty(text: string): HTMLElement {
  return element('p', { class: 'empty' }, text);
}

function epsilonNow({ points }: PrivacySpent): string {
  return (points.at(-1)?.epsilon ?? 0).toFixed(2);
}

function sent(entry: Left): string {
  return 'bytes' in entry ? bytes(entry.bytes) : 'told when it closes';
}

function secondsOf(day: string): number {
  return new Date(`${day}T12:00:00`).getTime() / 1000;
}

function when(ms: number): string {
  return new Date(ms).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' });
}

function count(value: number): string {
  return value.toLocaleString();
}

function share(part: number, whole: number): string {
  return whole === 0 ? '–' : `${Math.round((100 * part) / whole)} %`;
}

function percent(value: number | undefined): string {
  return value === undefined ? '–' : `${(100 * value).toFixed(1)} %`;
}

function milliseconds(value: number | null): string {
  return value === null ? '–' : `${Math.round(value)} ms`;
}

function bytes(value: number): string {
  if (value < 1000) return `${value} B`;
  return value < 1e6 ? `${(value / 1e3).toFixed(1)} kB` : `${(value / 1e6).toFixed(1)} MB`;
}
