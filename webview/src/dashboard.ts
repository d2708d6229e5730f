import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-collapsible/index.js';
import { drawChart } from './chart.ts';
import { element } from './element.ts';
import type { FromPage, PageCommand, ToPage } from './messages.ts';
import { type Section, sections } from './sections.ts';

// The page of the dashboard: it shows what the extension sends, and asks for commands by name.

declare function acquireVsCodeApi(): { postMessage(message: FromPage): void };

const editor = acquireVsCodeApi();
const main = document.querySelector('main');
const undraw: (() => void)[] = [];
let last: ToPage | undefined;

function show(message: ToPage): void {
  if (main === null) return;
  if (JSON.stringify(message) === JSON.stringify(last)) return;
  last = message;
  const open = openedTitles();
  for (const stop of undraw.splice(0)) stop();
  if (message.kind === 'problem') {
    main.replaceChildren(element('p', { class: 'problem', role: 'alert' }, message.message));
    return;
  }
  const all = sections(message.view);
  main.replaceChildren(...all.map(part));
  for (const each of main.querySelectorAll('vscode-collapsible')) {
    if (open.has(each.getAttribute('heading') ?? '')) each.setAttribute('open', '');
  }
  for (const { id, chart, chart2 } of all) {
    for (const [place, spec] of [
      [`${id}-chart`, chart],
      [`${id}-chart2`, chart2],
    ] as const) {
      const target = document.getElementById(place);
      if (target !== null && spec !== undefined) undraw.push(drawChart(target, spec));
    }
  }
}

function part({ id, title, content, chart, chart2 }: Section): HTMLElement {
  const [first, ...rest] = content;
  const charts = [
    ...(chart === undefined ? [] : [element('div', { id: `${id}-chart`, class: 'chart' })]),
    ...(chart2 === undefined ? [] : [element('div', { id: `${id}-chart2`, class: 'chart' })]),
  ];
  return element(
    'section',
    { 'aria-labelledby': `${id}-title`, id },
    element('h2', { id: `${id}-title` }, title),
    ...(first === undefined ? [] : [first]),
    ...(charts.length === 0 ? [] : [element('div', { class: 'charts' }, ...charts)]),
    ...rest,
  );
}

/** What the reader has unfolded stays so when new figures come. */
function openedTitles(): ReadonlySet<string> {
  const open = document.querySelectorAll('vscode-collapsible[open]');
  return new Set([...open].map((each) => each.getAttribute('heading') ?? ''));
}

window.addEventListener('message', (event: MessageEvent<ToPage>) => show(event.data));
document.addEventListener('click', ({ target }) => {
  const button = target instanceof Element ? target.closest('[data-command]') : null;
  const command = button?.getAttribute('data-command');
  // The extension runs none but those that it knows.
  if (command !== null && command !== undefined) editor.postMessage({ kind: 'run', command: command as PageCommand });
});
// Colours are read when a chart is drawn.
new MutationObserver(() => {
  const message = last;
  last = undefined;
  if (message !== undefined) show(message);
}).observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-kind'] });
editor.postMessage({ kind: 'ready' });
