import { commands, type QuickPickItem, QuickPickItemKind, window } from 'vscode';
import type { CommandId } from './commandIds.ts';
import { type Facts, present, rivalText } from './presentation.ts';
import type { Snooze } from './snooze.ts';

type Row = QuickPickItem & { readonly run?: () => unknown };

/** What a click on the status item opens; everything in it is also a command. */
export async function showMenu(facts: Facts, snooze: Snooze): Promise<void> {
  const { text, tooltip } = present(facts);
  const rows: Row[] = [
    row('$(chip) Choose model…', 'argot.chooseModel', facts.status?.model?.name),
    row('$(question) Why no suggestion?', 'argot.whyNoSuggestion'),
    row('$(list-tree) Show last completion', 'argot.showLastCompletion'),
    row('$(mortar-board) Adapters: what Argot has learnt', 'argot.manageAdapters'),
    { label: 'Pause', kind: QuickPickItemKind.Separator },
    ...snoozeRows(snooze),
    row('$(circle-slash) Switch on or off for this language', 'argot.toggleForLanguage'),
    row('$(folder) Switch on or off for this folder', 'argot.toggleForFolder'),
    { label: 'More', kind: QuickPickItemKind.Separator },
    row('$(gear) Open settings', 'argot.openSettings'),
    row('$(dashboard) Show dashboard', 'argot.showDashboard'),
    row('$(law) Show effective policy', 'argot.showPolicy'),
    row('$(output) Show output', 'argot.showOutput'),
    row('$(debug-restart) Restart language server', 'argot.restartServer'),
    ...(facts.rivals.length > 0
      ? [{ label: '$(info) Another completion extension', detail: rivalText(facts.rivals) }]
      : []),
  ];
  const [headline] = tooltip.split('\n');
  const picked = await window.showQuickPick(rows, {
    title: text.replace(/\$\([^)]*\) /, ''),
    placeHolder: headline ?? '',
  });
  await picked?.run?.();
}

/** “Argot: Snooze…”. */
export async function chooseSnooze(snooze: Snooze): Promise<void> {
  const picked = await window.showQuickPick<Row>(snoozeRows(snooze), {
    title: 'Argot: Snooze',
    placeHolder: 'No suggestions in this window for a while',
  });
  await picked?.run?.();
}

function snoozeRows(snooze: Snooze): Row[] {
  if (snooze.until() !== undefined) return [{ label: '$(play) Resume suggestions', run: () => snooze.resume() }];
  return [
    ...[5, 15, 60].map((minutes) => ({
      label: `$(bell-slash) Snooze for ${minutes} minutes`,
      run: () => snooze.start(minutes),
    })),
    { label: '$(bell-slash) Snooze until VS Code restarts', run: () => snooze.start('restart') },
  ];
}

function row(label: string, command: CommandId, description?: string): Row {
  return {
    label,
    ...(description === undefined ? {} : { description }),
    run: () => commands.executeCommand(command),
  };
}
