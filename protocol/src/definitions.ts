import { RequestType } from 'vscode-languageserver-protocol';
import { z } from 'zod';

export interface DefinitionsParams {
  readonly uri: string;
  /** Of names that the document imports; counted from 0. */
  readonly positions: readonly { readonly line: number; readonly character: number }[];
}

/** Files in which the names are defined, each once; what the editor does not know in time is absent. */
export const definitionsResultSchema = z.object({ uris: z.array(z.string()) });
export type DefinitionsResult = z.infer<typeof definitionsResultSchema>;

/** Server → extension: where imported names are defined, by the editor's own language features and within a time limit. */
export const definitionsRequest = new RequestType<DefinitionsParams, DefinitionsResult, void>('argot/definitions');
