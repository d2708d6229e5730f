/** Measured on this machine with this model, tokens per second. */
export interface Speed {
  readonly prefill: number;
  readonly decode: number;
}

/** Tokens that each part of a request may take. */
export interface Budget {
  /** Text before the cursor. */
  readonly before: number;
  /** Text after the cursor, for models that read it. */
  readonly after: number;
  /** Recent edits and open tabs. */
  readonly snippets: number;
  /** Chunks of the repository, which enter only where they are likely to help, and then take the snippets' place first. */
  readonly chunks: number;
  /** Whether chunks that it lacks may enter a prompt that somebody waits for. */
  readonly chunksAtOnce: boolean;
  readonly lineTokens: number;
  readonly blockTokens: number;
}

/**
 * A jump to a new place prefills a whole prompt: it may take this long, most of it while the cursor rests. By
 * `npm run bench -- quality`, 128, 256 and 384 tokens have 12.6, 15.8 and 17.0 % of a line right from its start.
 */
const prefillSeconds = 3.5;
/** So long a developer may wait for the chunks of a prompt that was not made ready in a pause. */
const chunkSeconds = 0.15;
const lineSeconds = 0.6;
const blockSeconds = 1.2;

/**
 * What a request may cost follows the speed measured here. Longer prompts cost twice: they take longer to prefill after a
 * jump, and every decoded token attends to all of them (SmolLM2-135M on one thread: 140, 115, 65 tokens/s at 20, 200,
 * 1000 tokens). Steps of 64 keep the prompt's window still while the measured speed wavers.
 */
export function budgetFor(speed: Speed | undefined, contextTokens: number): Budget {
  const { prefill, decode } = speed ?? { prefill: 150, decode: 60 };
  const room = contextTokens - 192;
  const prompt = clamp(step(prefill * prefillSeconds), 256, Math.min(768, room));
  const [before, after, snippets] = [step(prompt * 0.75), step(prompt * 0.25), step(prompt * 0.25)];
  const chunks = Math.max(snippets, Math.min(step(prompt * 0.5), step(room - before - after)));
  return {
    before,
    after,
    snippets,
    chunks,
    chunksAtOnce: chunks <= prefill * chunkSeconds,
    lineTokens: clamp(Math.round(decode * lineSeconds), 24, 64),
    blockTokens: clamp(Math.round(decode * blockSeconds), 48, 160),
  };
}

const step = (tokens: number) => Math.floor(tokens / 64) * 64;
const clamp = (value: number, low: number, high: number) => Math.max(low, Math.min(high, value));
