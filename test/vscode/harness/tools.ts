import { setUpTests } from '../../../scripts/setup.mjs';

/** Paths of what the harness drives. */
export interface Tools {
  /** Node 24, which serves the editor. */
  readonly node: string;
  /** The folder with the editor's `out`. */
  readonly editor: string;
  readonly chromium: string;
  /** The GGUF file of the embedded default model. */
  readonly model: string;
}

let tools: Promise<Tools> | undefined;

/** Set up once a process; `npm test` has done the work before, so that this only looks. */
export function findTools(): Promise<Tools> {
  tools ??= setUpTests();
  return tools;
}
