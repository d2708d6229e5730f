import { type Disposable, MarkdownString, StatusBarAlignment, ThemeColor, window } from 'vscode';
import { type Facts, moodOf, present } from './presentation.ts';

/** A suggestion that takes no longer than this needs no spinner: it would only flicker. */
const busyAfterMs = 400;

export interface StatusItem extends Disposable {
  refresh(): void;
}

export function createStatusItem(facts: () => Facts): StatusItem {
  const item = window.createStatusBarItem('argot.status', StatusBarAlignment.Right, 100);
  item.name = 'Argot';
  item.command = 'argot.showMenu';
  let timer: NodeJS.Timeout | undefined;

  const draw = (): void => {
    const { mood, text, tooltip, spoken } = present(facts());
    item.text = text;
    item.tooltip = new MarkdownString(tooltip);
    item.accessibilityInformation = { label: spoken, role: 'button' };
    item.backgroundColor = mood === 'problem' ? new ThemeColor('statusBarItem.warningBackground') : undefined;
    item.show();
  };
  const refresh = (): void => {
    clearTimeout(timer);
    if (moodOf(facts()) === 'busy') timer = setTimeout(draw, busyAfterMs);
    else draw();
  };
  draw();
  return {
    refresh,
    dispose: () => {
      clearTimeout(timer);
      item.dispose();
    },
  };
}
