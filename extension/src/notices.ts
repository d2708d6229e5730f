import { commands, type Memento, window } from 'vscode';
import type { PolicyView } from '#protocol/policy.ts';
import { rivalText } from './presentation.ts';
import { type Complaint, createProblems } from './problems.ts';
import { activeRivals } from './rivals.ts';
import type { Server } from './server.ts';

/** The notifications that Argot shows by itself: each problem once, each rival once in a lifetime. */
export interface Notices {
  check(server: Server): void;
  /** Whatever a policy shuts off on its own account, and by whom. */
  tellPolicy(view: PolicyView): void;
  /** Problems that go on are told again. */
  forget(): void;
}

const toldRivalsKey = 'argot.toldRivals';

export function createNotices(memory: Memento): Notices {
  const problems = createProblems(show);
  return {
    check(server) {
      const link = server.link();
      if (link.kind === 'lost' && link.tell) problems.tell(lossComplaint(link.code, link.message));
      problems.tell(server.status()?.problem);
      tellRivals(memory);
    },
    tellPolicy({ lockedDown }) {
      const remedy = { title: 'Show Effective Policy', command: 'argot.showPolicy' };
      for (const message of lockedDown) problems.tell({ code: 'policy', message, remedy });
    },
    forget: () => problems.forget(),
  };
}

function lossComplaint(code: string, message: string): Complaint {
  const remedy =
    code === 'reloadWindow'
      ? { title: 'Reload Window', command: 'workbench.action.reloadWindow' }
      : code === 'foreign' || code === 'folder'
        ? { title: 'Try Again', command: 'argot.restartServer' }
        : { title: 'Show Output', command: 'argot.showOutput' };
  return { code, message, remedy };
}

async function show({ message, remedy }: Complaint): Promise<void> {
  const button = await window.showWarningMessage(message, ...(remedy === undefined ? [] : [remedy.title]));
  if (remedy !== undefined && button === remedy.title) await commands.executeCommand(remedy.command);
}

function tellRivals(memory: Memento): void {
  const told = memory.get<readonly string[]>(toldRivalsKey, []);
  const fresh = activeRivals().filter((name) => !told.includes(name));
  if (fresh.length === 0) return;
  void memory.update(toldRivalsKey, [...told, ...fresh]);
  void window.showInformationMessage(`Argot: ${rivalText(fresh)}`, 'OK');
}
