import {
  CancellationTokenSource,
  commands,
  Disposable,
  EventEmitter,
  type ExtensionContext,
  type QuickPickItem,
  ThemeIcon,
  TreeItem,
  TreeItemCollapsibleState,
  Uri,
  window,
  workspace,
} from 'vscode';
import {
  enrolRequest,
  type FederationOutcome,
  type FederationView,
  federationViewRequest,
  joinRequest,
  type LeadAction,
  leadActionRequest,
  leaveRequest,
  type TeamView,
} from '#protocol/federationViews.ts';
import { reasonText } from '#protocol/trace.ts';
import { consentText, teamLines } from './federationText.ts';
import { openRoundFile } from './roundFile.ts';
import type { Server } from './server.ts';

/** The commands and the view of teams. */
export interface Federation extends Disposable {
  enrol(): Promise<void>;
  join(): Promise<void>;
  leave(): Promise<void>;
  approve(): Promise<void>;
  startRound(): Promise<void>;
  scheduleRounds(): Promise<void>;
  editRoundSettings(): Promise<void>;
}

const askedKey = 'argot.federation.asked';
const refreshMs = 10_000;
const dayMs = 86_400_000;

export function createFederation(server: Server, context: ExtensionContext): Federation {
  const changed = new EventEmitter<undefined>();
  let view: FederationView = { teams: [], complaints: [] };
  const tree = window.registerTreeDataProvider<TreeItem>('argot.federation', {
    onDidChangeTreeData: changed.event,
    getTreeItem: (item) => item,
    getChildren: (parent) => (parent === undefined ? view.teams.flatMap(itemsOf) : []),
  });
  const token = () => new CancellationTokenSource().token;

  async function refresh(): Promise<void> {
    view = (await server.request(federationViewRequest, null, token()).catch(() => undefined)) ?? view;
    await commands.executeCommand('setContext', 'argot.hasTeam', view.teams.length > 0);
    changed.fire(undefined);
    await invite();
  }

  /** Each person is asked once for each team. */
  async function invite(): Promise<void> {
    const asked = context.globalState.get<readonly string[]>(askedKey, []);
    const team = view.teams.find(({ name, federation }) => name === undefined && !asked.includes(federation));
    if (team === undefined) return;
    await context.globalState.update(askedKey, [...asked, team.federation]);
    const show = 'Show What Would Leave';
    const answer = await window.showInformationMessage(
      'This repository has a team that improves its completions together. No code leaves a machine.',
      show,
      'Not Now',
    );
    if (answer === show) await joinTeam(team);
  }

  async function joinTeam(team: TeamView): Promise<void> {
    const detail = consentText(team);
    const agreed = await window.showInformationMessage(
      'Join the team of this repository?',
      { modal: true, detail },
      'Join',
    );
    if (agreed !== 'Join') return;
    const name = await askName();
    if (name !== undefined) tell(await server.request(joinRequest, { folder: team.folder, name }, token()));
    await refresh();
  }

  async function pickTeam(teams: readonly TeamView[], none: string): Promise<TeamView | undefined> {
    if (teams.length === 0) return void window.showInformationMessage(`Argot: ${none}`);
    if (teams.length === 1) return teams[0];
    const rows = teams.map((team) => ({
      label: team.folder.split('/').at(-1) ?? '',
      description: team.coordinator,
      team,
    }));
    return (await window.showQuickPick(rows, { title: 'Argot: Which Team?' }))?.team;
  }

  async function pickLed(): Promise<TeamView | undefined> {
    await refresh();
    return pickTeam(
      view.teams.filter(({ isLead }) => isLead),
      'You lead no team here.',
    );
  }

  const secrets = server.serveSecrets(context.secrets);
  const subscription = Disposable.from(
    tree,
    changed,
    secrets,
    server.onDidChangeFederation(() => void refresh()),
    server.onDidChange(() => void refreshWhenConnected()),
    workspace.onDidChangeWorkspaceFolders(() => void refresh()),
  );
  let wasConnected = false;
  async function refreshWhenConnected(): Promise<void> {
    const isConnected = server.link().kind === 'connected' && server.status() !== undefined;
    if (isConnected && !wasConnected) void refresh();
    wasConnected = isConnected;
  }
  const timer = setInterval(() => view.teams.length > 0 && void refresh(), refreshMs);

  return {
    async enrol() {
      const folder = workspace.workspaceFolders?.[0]?.uri.toString();
      if (folder === undefined) return void window.showWarningMessage('Argot: Open the repository’s folder first.');
      const url = await window.showInputBox({
        title: 'Argot: Enrol This Repository (1/3)',
        prompt: 'Address of the coordinator',
        placeHolder: 'https://argot.example.org',
        ignoreFocusOut: true,
      });
      if (url === undefined) return;
      const secret = await window.showInputBox({
        title: 'Argot: Enrol This Repository (2/3)',
        prompt: 'The coordinator’s founding token, from whoever runs it',
        password: true,
        ignoreFocusOut: true,
      });
      if (secret === undefined) return;
      const name = await askName('Argot: Enrol This Repository (3/3)');
      if (name === undefined) return;
      tell(await server.request(enrolRequest, { folder, url, token: secret, name }, token()));
      await refresh();
    },
    async join() {
      await refresh();
      const open = view.teams.filter(({ name }) => name === undefined);
      const team = await pickTeam(open, 'There is no team here that you have not joined.');
      if (team !== undefined) await joinTeam(team);
    },
    async leave() {
      await refresh();
      const joined = view.teams.filter(({ name }) => name !== undefined);
      const team = await pickTeam(joined, 'You are in no team here.');
      if (team === undefined) return;
      const detail = 'From now on nothing of this machine goes to the team, and its keys are deleted.';
      const sure = await window.showWarningMessage('Leave the team?', { modal: true, detail }, 'Leave');
      if (sure === 'Leave') tell(await server.request(leaveRequest, { folder: team.folder }, token()));
      await refresh();
    },
    async approve() {
      await refresh();
      const rows = view.teams.flatMap(({ folder, joining }) =>
        joining.map(({ key, name }) => ({ label: name, description: `key ${key.slice(0, 16)}…`, folder, key })),
      );
      if (rows.length === 0) return void window.showInformationMessage('Argot: Nobody waits to be let in.');
      const title = 'Argot: Let Whom In?';
      const row = await window.showQuickPick(rows, { title, placeHolder: 'Compare the key with what they see' });
      if (row === undefined) return;
      tell(await server.request(leadActionRequest, { do: 'approve', folder: row.folder, key: row.key }, token()));
      await refresh();
    },
    async startRound() {
      const team = await pickLed();
      if (team === undefined) return;
      tell(await server.request(leadActionRequest, { do: 'start', folder: team.folder }, token()));
      await refresh();
    },
    async scheduleRounds() {
      const team = await pickLed();
      if (team === undefined) return;
      const { folder } = team;
      const rows: readonly (QuickPickItem & { readonly action: LeadAction })[] = [
        { label: 'Every day', action: { do: 'schedule', folder, everyMs: dayMs } },
        { label: 'Every week', action: { do: 'schedule', folder, everyMs: 7 * dayMs } },
        { label: 'None by themselves', action: { do: 'unschedule', folder } },
        { label: 'Stop the round that runs', action: { do: 'stop', folder } },
      ];
      const row = await window.showQuickPick(rows, { title: 'Argot: Schedule Rounds' });
      if (row !== undefined) tell(await server.request(leadActionRequest, row.action, token()));
      await refresh();
    },
    async editRoundSettings() {
      const team = await pickLed();
      if (team !== undefined) await openRoundFile(Uri.parse(team.folder));
    },
    dispose() {
      clearInterval(timer);
      subscription.dispose();
    },
  };
}

function itemsOf(team: TeamView): readonly TreeItem[] {
  return teamLines(team, Date.now()).map(({ label, description, icon }) => {
    const item = new TreeItem(label, TreeItemCollapsibleState.None);
    item.description = description;
    item.tooltip = `${label}: ${description}`;
    item.iconPath = new ThemeIcon(icon);
    return item;
  });
}

function askName(title = 'Argot: Join the Team'): Thenable<string | undefined> {
  return window.showInputBox({
    title,
    prompt: 'The name that your team will see',
    ignoreFocusOut: true,
    validateInput: (text) => (text.trim().length > 0 && text.length <= 64 ? undefined : 'Between 1 and 64 characters.'),
  });
}

function tell(outcome: FederationOutcome | undefined): void {
  if (outcome === undefined) void window.showWarningMessage(`Argot: ${reasonText.serverDown}`);
  else if (outcome.ok) void window.showInformationMessage(`Argot: ${outcome.message}`);
  else void window.showErrorMessage(`Argot: ${outcome.message}`);
}
