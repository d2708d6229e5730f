import { z } from 'zod';
import { setUpTests } from '../../../scripts/setup.mjs';

/** Paths of what the harness drives. */
const toolsSchema = z.object({
  /** Node 24, which serves the editor. */
  node: z.string(),
  /** The folder with the editor's `out`. */
  editor: z.string(),
  chromium: z.string(),
  /** The GGUF file of the embedded default model. */
  model: z.string(),
});
export type Tools = Readonly<z.infer<typeof toolsSchema>>;

let tools: Promise<Tools> | undefined;

/** `npm test` tells where they are; a test that is run by itself looks, and sets up what is missing. */
export function findTools(): Promise<Tools> {
  const told = process.env.ARGOT_TEST_TOOLS;
  tools ??= told === undefined ? setUpTests() : Promise.resolve(toolsSchema.parse(JSON.parse(told)));
  return tools;
}
