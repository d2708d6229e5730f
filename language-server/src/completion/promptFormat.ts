/** How a model wants fill-in-the-middle prompts; every field is the text of a special token. */
export interface FimTokens {
  readonly prefix: string;
  readonly suffix: string;
  readonly middle: string;
  /** Ends the middle, beside the end-of-text token. */
  readonly stop: readonly string[];
}

/** What the prompt builder needs to know of a model; from the catalogue or from the GGUF's metadata. */
export interface PromptFormat {
  readonly family: string;
  readonly fim?: FimTokens;
  readonly repositoryToken?: string;
  readonly fileToken?: string;
}
