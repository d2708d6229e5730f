import { workspace } from 'vscode';
import { settingsSchema } from '#protocol/settings.ts';

/** The values of `argot.*` that the server wants, as the user gave them: the server checks them and complains. */
export function serverSettings(): Readonly<Record<string, unknown>> {
  const configuration = workspace.getConfiguration('argot');
  const names = Object.keys(settingsSchema.shape).filter((name) => name !== 'proxy');
  return {
    ...Object.fromEntries(names.map((name) => [name, configuration.get<unknown>(name)])),
    proxy: workspace.getConfiguration('http').get<string>('proxy', ''),
  };
}
