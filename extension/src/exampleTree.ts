import {
  CancellationTokenSource,
  EventEmitter,
  ThemeIcon,
  type TreeDataProvider,
  TreeItem,
  TreeItemCollapsibleState,
} from 'vscode';
import {
  countExamplesRequest,
  type ExampleFilter,
  type ExampleSummary,
  type ExampleTotals,
  listExamplesRequest,
} from '#protocol/learning.ts';
import { exampleRow, repositoryName } from './exampleItems.ts';
import type { Server } from './server.ts';

export type ExampleNode =
  | { readonly kind: 'repository'; readonly repository: string; readonly count: number }
  | { readonly kind: 'example'; readonly example: ExampleSummary }
  | { readonly kind: 'more'; readonly repository: string | undefined };

const pageSize = 100;

/** The examples by repository; where they are searched, all that match in one list. Newest first, a page at a time. */
export interface ExampleTree extends TreeDataProvider<ExampleNode> {
  readonly filter: () => ExampleFilter;
  show(filter: ExampleFilter): void;
  more(node: ExampleNode): void;
  refresh(): void;
  dispose(): void;
}

export function createExampleTree(server: Server, counted: (totals: ExampleTotals) => void): ExampleTree {
  const changed = new EventEmitter<ExampleNode | undefined>();
  const pages = new Map<string | undefined, number>();
  let filter: ExampleFilter = {};

  async function examplesOf(repository: string | undefined): Promise<ExampleNode[]> {
    const limit = pageSize * (pages.get(repository) ?? 1);
    const only = repository === undefined ? filter : { ...filter, repositories: [repository] };
    // One more than is shown tells whether there are more.
    const params = { filter: only, offset: 0, limit: limit + 1 };
    const found = (await server.request(listExamplesRequest, params, new CancellationTokenSource().token)) ?? [];
    const nodes: ExampleNode[] = found.slice(0, limit).map((example) => ({ kind: 'example', example }));
    return found.length > limit ? [...nodes, { kind: 'more', repository }] : nodes;
  }

  return {
    onDidChangeTreeData: changed.event,
    filter: () => filter,
    show(next) {
      filter = next;
      pages.clear();
      changed.fire(undefined);
    },
    more(node) {
      if (node.kind !== 'more') return;
      pages.set(node.repository, (pages.get(node.repository) ?? 1) + 1);
      changed.fire(undefined);
    },
    refresh: () => changed.fire(undefined),
    async getChildren(node) {
      if (node?.kind === 'repository') return examplesOf(node.repository);
      const { search, ...countable } = filter;
      const totals = await server.request(countExamplesRequest, countable, new CancellationTokenSource().token);
      if (totals === undefined) return [];
      counted(totals);
      if (search !== undefined) return examplesOf(undefined);
      return Object.entries(totals.byRepository)
        .sort(([a], [b]) => a.localeCompare(b))
        .map(([repository, count]) => ({ kind: 'repository', repository, count }));
    },
    getTreeItem: treeItem,
    dispose: () => changed.dispose(),
  };
}

function treeItem(node: ExampleNode): TreeItem {
  switch (node.kind) {
    case 'repository': {
      const name = node.repository === '' ? 'Outside all folders' : repositoryName(node.repository);
      const item = new TreeItem(name, TreeItemCollapsibleState.Expanded);
      item.id = `repository:${node.repository}`;
      item.description = String(node.count);
      item.contextValue = 'repository';
      item.iconPath = new ThemeIcon('repo');
      item.accessibilityInformation = { label: `${name}, ${node.count} examples` };
      return item;
    }
    case 'example': {
      const { example } = node;
      const row = exampleRow(example, (ms) => new Date(ms).toLocaleDateString());
      const item = new TreeItem(row.label, TreeItemCollapsibleState.None);
      item.id = example.id;
      item.description = row.description;
      item.contextValue = 'example';
      item.iconPath = new ThemeIcon(row.icon);
      item.accessibilityInformation = { label: row.spoken };
      item.command = { title: 'Show', command: 'argot.showExample', arguments: [node] };
      return item;
    }
    case 'more': {
      const item = new TreeItem('Show more…', TreeItemCollapsibleState.None);
      item.command = { title: 'Show more', command: 'argot.showMoreExamples', arguments: [node] };
      return item;
    }
  }
}
