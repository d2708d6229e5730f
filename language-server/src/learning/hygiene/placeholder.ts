const words =
  /your|example|sample|dummy|changeme|change_me|replace|placeholder|insert|redacted|\*\*\*|xxxx|\.\.\.|process\.env|getenv|environ/i;

/** Stands for a secret in a manual or a template, or says where one comes from. */
export function isPlaceholder(text: string): boolean {
  if (/^(?:password|passwd|pass|pwd|secret|token|key)$/i.test(text)) return true;
  return words.test(text) || /^(.)\1*$/.test(text) || /^[%@#:]?[<[{($]/.test(text) || isCountedUp(text);
}

/** `1234567890`, `abcdefgh`: each character follows the one before it. */
function isCountedUp(text: string): boolean {
  if (text.length < 6) return false;
  let follows = 0;
  for (let i = 1; i < text.length; i++) if (text.charCodeAt(i) - text.charCodeAt(i - 1) === 1) follows++;
  return follows >= (text.length - 1) * 0.8;
}
