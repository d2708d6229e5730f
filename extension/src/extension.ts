import { commands, type ExtensionContext, window, workspace } from 'vscode';
import { acceptedCommand, signalNotification } from '#protocol/signals.ts';
import { importAdapter, manageAdapters, rollBackAdapter, tellResult, trainNow } from './adapters.ts';
import { commandIds, type Handlers } from './commandIds.ts';
import { createDashboard } from './dashboard.ts';
import { enablementOf } from './enablement.ts';
import { createFederation } from './federation.ts';
import { learnFromHistory } from './history.ts';
import { createInspect } from './inspect.ts';
import { chooseSnooze, showMenu } from './menu.ts';
import { chooseModel, downloadDefaultModel } from './models.ts';
import { createNotices } from './notices.ts';
import { createOutput } from './output.ts';
import { tellPlaces } from './places.ts';
import { createPolicy } from './policy.ts';
import type { Facts } from './presentation.ts';
import { provideSuggestions } from './provide.ts';
import { resumeSuggestions } from './resume.ts';
import { activeRivals } from './rivals.ts';
import { connectServer, type Server } from './server.ts';
import type { Unit } from './signals.ts';
import { createSnooze } from './snooze.ts';
import { createStatusItem } from './status.ts';
import { toggleForFolder, toggleForLanguage } from './toggle.ts';
import { watchEditor } from './watch.ts';
import { createYourData } from './yourData.ts';

let server: Server | undefined;

export function activate(context: ExtensionContext): void {
  const output = createOutput();
  const snooze = createSnooze(() => status.refresh());
  const watch = watchEditor((signal) => connected.notify(signalNotification, signal));
  const connected = connectServer({
    output,
    script: context.asAbsolutePath('dist/language-server.mjs'),
    version: String(context.extension.packageJSON.version),
    middleware: provideSuggestions({ snooze, watch, output, ended: (...what) => resumption.ended(...what) }),
  });
  server = connected;
  const resumption = resumeSuggestions(connected);
  const growth = connected.onGrown(async (itemId) => {
    if (!watch.shows(itemId)) return;
    // The editor asks by itself only at the next key, and keeps what it shows when it is asked to ask again.
    await commands.executeCommand('editor.action.inlineSuggest.hide');
    await commands.executeCommand('editor.action.inlineSuggest.trigger');
  });

  const facts = (): Facts => ({
    link: connected.link(),
    status: connected.status(),
    snoozedUntil: snooze.until(),
    off: offReason(),
    rivals: activeRivals(),
  });
  const status = createStatusItem(facts);
  const notices = createNotices(context.globalState);
  const inspect = createInspect(connected, snooze);
  const policy = createPolicy(connected);
  const yourData = createYourData(connected);
  const dashboard = createDashboard(connected, context.extensionUri);
  const federation = createFederation(connected, context);

  const take = async (unit: Unit): Promise<void> => {
    watch.tell({ kind: 'taking', unit });
    await commands.executeCommand(`editor.action.inlineSuggest.acceptNext${unit === 'word' ? 'Word' : 'Line'}`);
    watch.tell({ kind: 'taken' });
  };
  const handlers: Handlers = {
    'argot.showMenu': () => showMenu(facts(), snooze),
    'argot.chooseModel': () => chooseModel(connected),
    'argot.downloadDefaultModel': () => downloadDefaultModel(connected),
    'argot.whyNoSuggestion': () => inspect.whyNoSuggestion(),
    'argot.showLastCompletion': () => inspect.showLastCompletion(),
    'argot.snooze': () => chooseSnooze(snooze),
    'argot.toggleForLanguage': toggleForLanguage,
    'argot.toggleForFolder': toggleForFolder,
    'argot.trainNow': () => trainNow(connected),
    'argot.manageAdapters': () => manageAdapters(connected),
    'argot.rollBackAdapter': () => rollBackAdapter(connected),
    'argot.importAdapter': () => importAdapter(connected),
    'argot.yourData': () => yourData.open(),
    'argot.searchExamples': () => yourData.search(),
    'argot.filterExamples': () => yourData.filter(),
    'argot.clearExampleFilter': () => yourData.clearFilter(),
    'argot.showExample': yourData.show,
    'argot.showMoreExamples': yourData.more,
    'argot.deleteExamples': yourData.remove,
    'argot.deleteShownExamples': () => yourData.removeShown(),
    'argot.forgetEverything': () => yourData.forgetEverything(),
    'argot.learnFromHistory': () => learnFromHistory(connected),
    'argot.openSettings': () => commands.executeCommand('workbench.action.openSettings', '@ext:argot.argot'),
    'argot.showOutput': () => output.show(),
    'argot.restartServer': async () => {
      notices.forget();
      await connected.restart();
    },
    'argot.showDashboard': () => dashboard.show(),
    'argot.showPolicy': () => policy.show(),
    'argot.checkPolicyFile': () => policy.checkFile(),
    'argot.verifyLedger': () => policy.verifyLedger(),
    'argot.exportLedger': () => policy.exportLedger(),
    'argot.enrolRepository': () => federation.enrol(),
    'argot.joinTeam': () => federation.join(),
    'argot.leaveTeam': () => federation.leave(),
    'argot.approveMember': () => federation.approve(),
    'argot.startRound': () => federation.startRound(),
    'argot.scheduleRounds': () => federation.scheduleRounds(),
    'argot.editRoundSettings': () => federation.editRoundSettings(),
    'argot.acceptNextWord': () => take('word'),
    'argot.acceptNextLine': () => take('line'),
    'argot.dismiss': async () => {
      watch.tell({ kind: 'escape' });
      resumption.dismissed();
      await commands.executeCommand('editor.action.inlineSuggest.hide');
    },
  };

  context.subscriptions.push(
    output,
    snooze,
    watch,
    status,
    inspect,
    policy,
    yourData,
    dashboard,
    federation,
    connected.onDidChangePolicy((view) => notices.tellPolicy(view)),
    tellPlaces(connected, () => snooze.until() !== undefined),
    resumption,
    growth,
    ...commandIds.map((id) => commands.registerCommand(id, handlers[id])),
    commands.registerCommand(acceptedCommand, (itemId: unknown) => {
      if (typeof itemId === 'string') watch.tell({ kind: 'acceptCommand', itemId });
    }),
    connected.onDidChange(() => {
      status.refresh();
      notices.check(connected);
    }),
    connected.onLearnt((result) => void tellResult(connected, result)),
    window.onDidChangeActiveTextEditor(() => status.refresh()),
    workspace.onDidChangeConfiguration((event) => {
      status.refresh();
      if (event.affectsConfiguration('argot') || event.affectsConfiguration('http.proxy')) connected.sendSettings();
    }),
    // Trust is told when a session begins.
    workspace.onDidGrantWorkspaceTrust(() => connected.reconnect()),
  );
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}

function offReason(): Facts['off'] {
  const document = window.activeTextEditor?.document;
  const enablement = document && enablementOf(document);
  // A document that takes no suggestions by its nature, such as output, is no pause.
  return enablement?.enabled === false && enablement.reason !== 'unknownDocument' ? enablement.reason : undefined;
}
