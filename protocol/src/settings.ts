import { z } from 'zod';

/**
 * What the user may set, as the server receives it: the values of `argot.*` that are not per document. Defaults here
 * and in package.json agree (test/manifest.test.ts).
 */
export const settingsSchema = z.object({
  /** `auto`, a catalogue id, or the absolute path of a GGUF file. */
  model: z.string().min(1).default('auto'),
  /** `auto` lets node-llama-cpp choose the fastest backend that is installed; `off` keeps to the CPU. */
  gpu: z.enum(['auto', 'off']).default('auto'),
  /** Threads for the model; 0 means one fewer than the machine's cores. */
  threads: z.number().int().min(0).max(256).default(0),
  /** `auto` offers a block where the syntax calls for one; `never` keeps to single lines. */
  multiline: z.enum(['auto', 'never']).default('auto'),
  /** Whether recent edits, open tabs and chunks of the folder's other files may enter the prompt, and the folder be indexed. */
  contextFromOtherFiles: z.boolean().default(true),
  /** Glob patterns of files that never enter a prompt and get no completions. */
  exclude: z.array(z.string()).default(['**/.env', '**/.env.*', '**/*.pem', '**/*.key', '**/id_rsa*', '**/.npmrc']),
  /** Whether examples are made of what the developer does with suggestions. They stay on the machine. */
  'learning.enable': z.boolean().default(true),
  /** What examples may be made of. */
  'learning.kinds': z
    .array(z.enum(['accepted', 'partial', 'corrected', 'typedInstead', 'undone']))
    .default(['accepted', 'partial', 'corrected', 'typedInstead', 'undone']),
  /** Days that an example is kept. */
  'learning.retentionDays': z.number().int().min(1).max(3650).default(365),
  /** Examples that are kept; the oldest go first. */
  'learning.retentionExamples': z.number().int().min(100).max(200_000).default(50_000),
  /** Root of a model hub's download addresses; organisations may point it at a mirror. */
  hubEndpoint: z.url({ protocol: /^https?$/ }).default('https://huggingface.co'),
  /** `auto` trains on your examples when you are away and the machine has power; `manual` by command only. */
  training: z.enum(['auto', 'manual']).default('auto'),
  /** Whether training may start by itself on battery. */
  trainingOnBattery: z.boolean().default(false),
  /** Stricter limits than the administrator's, by the names of the admin file; none of them can loosen anything. */
  policy: z.record(z.string(), z.unknown()).default({}),
  /** A proxy for downloads, from VS Code's `http.proxy`; empty means none. */
  proxy: z.string().default(''),
});
export type Settings = z.infer<typeof settingsSchema>;

/** A setting of the wrong type keeps its default; each such setting gives one sentence that says what to do. */
export interface CheckedSettings {
  readonly settings: Settings;
  readonly complaints: readonly string[];
}

export function checkSettings(raw: unknown): CheckedSettings {
  const given: Record<string, unknown> = typeof raw === 'object' && raw !== null ? { ...raw } : {};
  const complaints: string[] = [];
  for (const [name, schema] of Object.entries(settingsSchema.shape)) {
    if (given[name] === undefined) continue;
    const parsed = schema.safeParse(given[name]);
    if (parsed.success) continue;
    const why = parsed.error.issues[0]?.message ?? 'wrong type';
    complaints.push(`The setting argot.${name} is ignored: ${why}. Its default is used; correct it in the settings.`);
    delete given[name];
  }
  return { settings: settingsSchema.parse(given), complaints };
}
