import { entropy } from '../../completion/entropy.ts';
import { isPlaceholder } from './placeholder.ts';

/** `name = 'literal'`, `"name": "literal"`, `name => literal`, `NAME=literal`, `name: literal`, `name('literal')`. */
const assignment =
  /["'`]?([A-Za-z_$][\w$.-]*)["'`\]]{0,2}\s*(?::\s*[A-Za-z]{1,10}\s*=(?!=)|:=|=>|=(?!=)|[:,]|\()\s*(?:[A-Za-z]{1,2}(?=["']))?(?:(["'`])((?:(?!\2)[^\\\n]|\\.){4,400})\2|([^\s"'`,;(){}[\]]{6,400}))/g;

const secretName =
  /(?:^|_)(?:passw(?:or)?ds?|pwd|pass|passphrase|passcode|secrets?|tokens?|credentials?|api_?keys?|access_?keys?|private_?keys?|secret_?keys?|signing_?keys?|encryption_?keys?|master_?keys?|account_?keys?|auth_?keys?|shared_?keys?|license_?keys?|app_?keys?|client_?secrets?|bearer|salt|pepper|hmac_?keys?|webhook_?keys?|connection_?string)(?:_|$)/;
const passwordName = /(?:^|_)(?:passw(?:or)?ds?|pwd|pass|passphrase|passcode)(?:_|$)/;
/** What is derived from a secret, names one, or only speaks of it. */
const harmlessName =
  /(?:^|_)(?:hash|hashed|digest|checksum|sha\d*|id|ids|name|names|url|uri|path|file|type|types|kind|length|size|pattern|regex|count|public|field|fields|label|title|hint|header|headers|message|error|prompt|placeholder|input|env|var|column|index|status|state|expiry|expires|ttl|limit|budget|max|min|num|total|usage|prefix|suffix|scope|endpoint|param|class|schema|provider|policy|strength|rule|rules)(?:_|$)/;

/** Bits per character, and with them the least length, from which a literal looks random. */
const randomBits = 3;

/** Whether a literal is given to a name that says it is secret, and looks like one. */
export function secretAssignments(text: string): boolean {
  for (const [, name = '', , quoted, bare] of text.matchAll(assignment)) {
    const words = wordsOf(name);
    if (!secretName.test(words) || harmlessName.test(words)) continue;
    if (quoted !== undefined && isSecretLiteral(words, quoted)) return true;
    if (bare !== undefined && isEnvironmentName(name) && isSecretLiteral(words, bare)) return true;
    // Configuration in YAML and its like quotes nothing.
    if (bare !== undefined && looksRandom(bare) && /\d/.test(bare) && !/[.$<>|&]/.test(bare)) return true;
  }
  return false;
}

function isSecretLiteral(name: string, literal: string): boolean {
  if (isPlaceholder(literal) || /\s/.test(literal.trim()) || /\$\{|\{\{|<%|%\(|#\{/.test(literal)) return false;
  if (looksRandom(literal)) return true;
  // People's passwords are short and not random; a name or a label has no digits and signs in it.
  return passwordName.test(name) && literal.length >= 6 && /\d|[^\w\s.:/-]/.test(literal) && /[A-Za-z]/.test(literal);
}

function isEnvironmentName(name: string): boolean {
  return /^[A-Z][A-Z0-9_]*$/.test(name);
}

/** Several kinds of characters, mixed; words of a natural language or of code are not. */
function looksRandom(literal: string): boolean {
  if (literal.length < 12 || isPlaceholder(literal) || /[\s(){}[\]<>]/.test(literal)) return false;
  if (!/\d/.test(literal) || !/[A-Za-z]/.test(literal)) return false;
  if (/^[a-z]+(?:[-_./:][a-z]+)*[-_./:]?\d{0,4}$/i.test(literal)) return false;
  return entropy(literal) >= randomBits;
}

function wordsOf(name: string): string {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .replace(/[.$-]/g, '_')
    .toLowerCase();
}
