import { commands, type Location, type LocationLink, Position, Uri } from 'vscode';
import type { DefinitionsParams, DefinitionsResult } from '#protocol/definitions.ts';

/** A language feature that takes longer is still starting, or works on something large: the next question finds it ready. */
const patienceMs = 500;

/** Asks the editor's language features for each place, all at once. */
export async function findDefinitions({ uri, positions }: DefinitionsParams): Promise<DefinitionsResult> {
  const document = Uri.parse(uri);
  const found = await Promise.all(
    positions.map(({ line, character }) => inTime(definitionsAt(document, new Position(line, character)))),
  );
  return { uris: [...new Set(found.flat())] };
}

async function definitionsAt(document: Uri, position: Position): Promise<string[]> {
  const found = await commands.executeCommand<(Location | LocationLink)[]>(
    'vscode.executeDefinitionProvider',
    document,
    position,
  );
  return found.map((each) => ('targetUri' in each ? each.targetUri : each.uri).toString());
}

/** No provider, one that fails and one that is slow are alike: there is nothing to add. */
async function inTime(asked: Promise<string[]>): Promise<string[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string[]>((resolve) => {
    timer = setTimeout(() => resolve([]), patienceMs);
  });
  try {
    return await Promise.race([asked, late]).catch(() => []);
  } finally {
    clearTimeout(timer);
  }
}
