import {
  CancellationTokenSource,
  commands,
  type Disposable,
  type QuickPickItem,
  QuickPickItemKind,
  type TreeView,
  Uri,
  window,
  workspace,
} from 'vscode';
import {
  countExamplesRequest,
  type DeleteExamplesParams,
  deleteExamplesRequest,
  type ExampleFilter,
  exampleDetailsRequest,
  forgetEverythingRequest,
  type LearningOutcome,
} from '#protocol/learning.ts';
import { reasonText } from '#protocol/trace.ts';
import { exampleDocument, filterText, kindText, repositoryName, viewMessage } from './exampleItems.ts';
import { createExampleTree, type ExampleNode } from './exampleTree.ts';
import type { Server } from './server.ts';

/** “Argot: Your Data”: what was learned from, to be looked at, searched and deleted. */
export interface YourData extends Disposable {
  open(): Promise<void>;
  search(): Promise<void>;
  filter(): Promise<void>;
  clearFilter(): void;
  show(node?: unknown): Promise<void>;
  more(node?: unknown): void;
  /** The row that the command was called on and those that are selected with it; the selection alone from the keyboard. */
  remove(node?: unknown, selected?: unknown): Promise<void>;
  removeShown(): Promise<void>;
  forgetEverything(): Promise<void>;
}

export const viewId = 'argot.yourData';
const scheme = 'argot-example';
const dayMs = 86_400_000;

export function createYourData(server: Server): YourData {
  const tree = createExampleTree(server, (totals) => {
    view.message = viewMessage(totals, tree.filter());
  });
  const view: TreeView<ExampleNode> = window.createTreeView(viewId, {
    treeDataProvider: tree,
    canSelectMany: true,
    showCollapseAll: true,
  });
  let isConnected = server.status() !== undefined;
  const subscriptions = [
    view,
    tree,
    server.onDidChangeExamples(tree.refresh),
    server.onDidChange(() => {
      if (isConnected === (server.status() !== undefined)) return;
      isConnected = !isConnected;
      tree.refresh();
    }),
    workspace.registerTextDocumentContentProvider(scheme, {
      provideTextDocumentContent: async ({ query }, token) =>
        exampleDocument(await server.request(exampleDetailsRequest, { id: query }, token)),
    }),
  ];

  function show(filter: ExampleFilter): void {
    tree.show(filter);
    void commands.executeCommand('setContext', 'argot.examplesFiltered', filterText(filter) !== undefined);
  }

  async function removeAfter(question: string, params: DeleteExamplesParams): Promise<void> {
    const answer = await window.showWarningMessage(question, { modal: true, detail: deletionDetail }, 'Delete');
    if (answer !== 'Delete') return;
    await tell(await server.request(deleteExamplesRequest, params, new CancellationTokenSource().token));
    tree.refresh();
  }

  return {
    open: async () => {
      await commands.executeCommand(`${viewId}.focus`);
    },
    async search() {
      const search = await window.showInputBox({
        title: 'Argot: Search Your Data',
        prompt: 'Part of the code or of the path. Empty shows all.',
        value: tree.filter().search ?? '',
      });
      if (search === undefined) return;
      const { search: _, ...rest } = tree.filter();
      show(search === '' ? rest : { ...rest, search });
    },
    async filter() {
      const totals = await server.request(countExamplesRequest, {}, new CancellationTokenSource().token);
      if (totals === undefined) return;
      const rows = filterRows(tree.filter(), Object.keys(totals.byRepository));
      const picked = await window.showQuickPick(rows, { title: 'Argot: Filter Your Data', canPickMany: true });
      if (picked === undefined) return;
      const { search } = tree.filter();
      show({ ...(search === undefined ? {} : { search }), ...filterOf(picked) });
    },
    clearFilter: () => show({}),
    async show(node) {
      if (!isNode(node) || node.kind !== 'example') return;
      const { id, path } = node.example;
      const uri = Uri.from({ scheme, path: `/${path.slice(path.lastIndexOf('/') + 1)}.md`, query: id });
      await window.showTextDocument(uri, { preview: true, preserveFocus: true });
    },
    more(node) {
      if (isNode(node)) tree.more(node);
    },
    async remove(node, selected) {
      const chosen = Array.isArray(selected) && selected.length > 0 ? selected : isNode(node) ? [node] : view.selection;
      const nodes: readonly ExampleNode[] = chosen.filter(isNode);
      const [group] = nodes;
      if (nodes.length === 1 && group?.kind === 'repository') {
        const filter = { ...tree.filter(), repositories: [group.repository] };
        await removeAfter(`Delete ${group.count} examples from ${repositoryName(group.repository)}?`, { filter });
        return;
      }
      const ids = nodes.flatMap((each) => (each.kind === 'example' ? each.example.id : []));
      if (ids.length === 0) return;
      await removeAfter(ids.length === 1 ? 'Delete this example?' : `Delete ${ids.length} examples?`, { ids });
    },
    removeShown: () =>
      removeAfter(`Delete all examples ${filterText(tree.filter()) ?? 'that there are'}?`, { filter: tree.filter() }),
    async forgetEverything() {
      const detail =
        'All examples, all adapters that were trained on them and all traces of both are removed from this machine. This cannot be undone.';
      const answer = await window.showWarningMessage(
        'Forget everything that Argot learned?',
        { modal: true, detail },
        'Forget',
      );
      if (answer !== 'Forget') return;
      const outcome = await server.request(forgetEverythingRequest, null, new CancellationTokenSource().token);
      show({});
      if (outcome?.ok) await window.showInformationMessage('Argot has forgotten everything.');
      else await tell(outcome);
    },
    dispose() {
      for (const subscription of subscriptions) subscription.dispose();
    },
  };
}

const deletionDetail = 'Their text is removed from the disk. Adapters that were trained on them are taken back.';

async function tell(outcome: LearningOutcome | undefined): Promise<void> {
  if (outcome?.ok) return;
  await window.showWarningMessage(`Argot: ${outcome?.message ?? reasonText.serverDown}`);
}

function isNode(value: unknown): value is ExampleNode {
  return typeof value === 'object' && value !== null && 'kind' in value;
}

type FilterRow = QuickPickItem & { readonly narrows?: ExampleFilter };

function filterRows(filter: ExampleFilter, repositories: readonly string[]): FilterRow[] {
  const separator = (label: string): FilterRow => ({ label, kind: QuickPickItemKind.Separator });
  const today = new Date().setHours(0, 0, 0, 0);
  const times = [
    ['Today', today],
    ['The last seven days', today - 6 * dayMs],
    ['The last thirty days', today - 29 * dayMs],
  ] as const;
  return [
    separator('What you did'),
    ...(['accepted', 'partial', 'corrected', 'typedInstead', 'undone', 'ownHistory'] as const).map((kind) => ({
      label: kindText[kind],
      picked: filter.kinds?.includes(kind) ?? false,
      narrows: { kinds: [kind] },
    })),
    separator('Where'),
    ...repositories.map((repository) => ({
      label: repositoryName(repository),
      picked: filter.repositories?.includes(repository) ?? false,
      narrows: { repositories: [repository] },
    })),
    separator('When'),
    ...times.map(([label, fromMs]) => ({ label, picked: filter.fromMs === fromMs, narrows: { fromMs } })),
  ];
}

/** Rows of one group widen each other; of several times the longest holds. */
function filterOf(rows: readonly FilterRow[]): ExampleFilter {
  const kinds = rows.flatMap(({ narrows }) => narrows?.kinds ?? []);
  const repositories = rows.flatMap(({ narrows }) => narrows?.repositories ?? []);
  const times = rows.flatMap(({ narrows }) => narrows?.fromMs ?? []);
  return {
    ...(kinds.length === 0 ? {} : { kinds }),
    ...(repositories.length === 0 ? {} : { repositories }),
    ...(times.length === 0 ? {} : { fromMs: Math.min(...times) }),
  };
}
