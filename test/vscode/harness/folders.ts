import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** What is opened: a copy of a folder, or files given by name and text. */
export type Workspace = { readonly folder: string } | { readonly files: Readonly<Record<string, string>> };

/** Everything that one editor owns, so that nothing is shared with another test or with the user. */
export interface Folders extends AsyncDisposable {
  readonly root: string;
  readonly workspace: string;
  readonly data: string;
  readonly extensions: string;
  /** ARGOT_HOME: the language server's data, socket and models. */
  readonly home: string;
}

export async function createFolders(workspace: Workspace, models: readonly string[]): Promise<Folders> {
  // Short, since the path of a socket in it must fit in about 100 bytes.
  const root = await mkdtemp(path.join(tmpdir(), 'argot-'));
  const folders = {
    root,
    workspace: path.join(root, 'workspace'),
    data: path.join(root, 'data'),
    extensions: path.join(root, 'extensions'),
    home: path.join(root, 'home'),
  };
  for (const folder of [folders.workspace, folders.data, folders.extensions]) await mkdir(folder);
  await mkdir(path.join(folders.home, 'models'), { recursive: true, mode: 0o700 });
  for (const model of models) await symlink(model, path.join(folders.home, 'models', path.basename(model)));
  if ('folder' in workspace) await cp(workspace.folder, folders.workspace, { recursive: true });
  else await writeFiles(folders.workspace, workspace.files);
  return { ...folders, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true, maxRetries: 5 }) };
}

async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}
