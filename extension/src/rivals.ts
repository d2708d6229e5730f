import { extensions } from 'vscode';

/** Extensions that offer inline completions too: VS Code shows one of several, and which is not ours to say. */
const rivalIds: Readonly<Record<string, string>> = {
  'amazonwebservices.amazon-q-vscode': 'Amazon Q',
  'augment.vscode-augment': 'Augment',
  'codeium.codeium': 'Codeium',
  'continue.continue': 'Continue',
  'ggml-org.llama-vscode': 'llama.vscode',
  'github.copilot': 'GitHub Copilot',
  'github.copilot-chat': 'GitHub Copilot',
  'google.geminicodeassist': 'Gemini Code Assist',
  'huggingface.huggingface-vscode': 'llm-vscode',
  'rjmacarthy.twinny': 'twinny',
  'sourcegraph.cody-ai': 'Cody',
  'supermaven.supermaven': 'Supermaven',
  'tabbyml.vscode-tabby': 'Tabby',
  'tabnine.tabnine-vscode': 'Tabnine',
};

/** Names of those that are active now. */
export function activeRivals(): readonly string[] {
  const names = extensions.all
    .filter((extension) => extension.isActive)
    .flatMap((extension) => rivalIds[extension.id.toLowerCase()] ?? []);
  return [...new Set(names)];
}
