import type { DashboardView } from '#protocol/dashboard.ts';

/** Extension → page. */
export type ToPage =
  | { readonly kind: 'view'; readonly view: DashboardView }
  | { readonly kind: 'problem'; readonly message: string };

/** What the page may ask for: nothing else is run. */
export const pageCommands = [
  'argot.showPolicy',
  'argot.verifyLedger',
  'argot.exportLedger',
  'argot.manageAdapters',
  'argot.openSettings',
] as const;
export type PageCommand = (typeof pageCommands)[number];

/** Page → extension. */
export type FromPage = { readonly kind: 'ready' } | { readonly kind: 'run'; readonly command: PageCommand };
