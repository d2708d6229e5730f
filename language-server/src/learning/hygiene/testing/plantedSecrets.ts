/*
 * Secrets made at test time after the forms that their services document, so that no text of this repository looks like
 * one. Each kind is planted in the kinds of places where developers leave secrets.
 */

export interface Planted {
  readonly kind: string;
  readonly secret: string;
  /** Code with the secret in it. */
  readonly text: string;
}

type Random = () => number;
interface Kind {
  readonly name: string;
  readonly make: (r: Random) => string;
  /** Names that a developer gives it; a secret without marks of its own is known by them alone. */
  readonly names?: readonly string[];
  /** Where it stands, when an assignment is not the place. */
  readonly places?: readonly ((secret: string) => string)[];
}

/** A linear congruential generator, so that a failure can be made again. In [0, 1). */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const lower = 'abcdefghijklmnopqrstuvwxyz';
const upper = lower.toUpperCase();
const digits = '0123456789';
const hexDigits = '0123456789abcdef';
const word = lower + upper + digits;
const base64 = `${word}+/`;
const safe = `${word}-_`;

function pick(r: Random, alphabet: string, length: number): string {
  return Array.from({ length }, () => alphabet[Math.floor(r() * alphabet.length)]).join('');
}
const marked =
  (prefix: string, alphabet: string, length: number, end = '') =>
  (r: Random) =>
    `${prefix}${pick(r, alphabet, length)}${end}`;
const part =
  (length: number, alphabet = word) =>
  (r: Random) =>
    pick(r, alphabet, length);
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

function privateKey(label: string): (r: Random) => string {
  return (r) => {
    const lines = Array.from({ length: 6 }, () => pick(r, base64, 64));
    return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join('\n');
  };
}
const inFile = [(secret: string) => `${secret}\n`, (secret: string) => `const key = \`${secret}\`;\n`];
const inUrl = (scheme: string, host: string) => (r: Random) =>
  `${scheme}://${pick(r, lower, 6)}:${pick(r, word, 16)}@${host}`;

/** A password as people make them: two words, digits and a sign. */
function humanPassword(r: Random): string {
  const words = ['Winter', 'coffee', 'Berlin', 'monkey', 'Purple', 'dragon', 'Falcon', 'rocket'];
  const some = () => words[Math.floor(r() * words.length)] ?? '';
  return `${some()}${pick(r, '!@#%&', 1)}${some()}${pick(r, digits, 3)}`;
}

export const secretKinds: readonly Kind[] = [
  { name: 'AWS access key id', make: marked('AKIA', `${upper}234567`, 16) },
  { name: 'AWS temporary key id', make: marked('ASIA', `${upper}234567`, 16) },
  { name: 'AWS secret access key', make: part(40, base64), names: ['aws_secret_access_key', 'secretAccessKey'] },
  { name: 'AWS session token', make: part(180, base64), names: ['aws_session_token', 'sessionToken'] },
  { name: 'GitHub personal token', make: marked('ghp_', word, 36) },
  { name: 'GitHub OAuth token', make: marked('gho_', word, 36) },
  { name: 'GitHub app token', make: marked('ghs_', word, 36) },
  { name: 'GitHub fine-grained token', make: (r) => `github_pat_${pick(r, word, 22)}_${pick(r, word, 59)}` },
  { name: 'GitLab token', make: marked('glpat-', safe, 20) },
  { name: 'GitLab runner token', make: marked('glrt-', safe, 20) },
  { name: 'Atlassian token', make: marked('ATATT3xFfGF0', safe, 180) },
  { name: 'Bitbucket app password', make: marked('ATBB', word, 32) },
  { name: 'npm token', make: marked('npm_', word, 36) },
  { name: 'npm registry line', make: part(36), places: [(s) => `//packages.example.org/:_authToken=${s}\n`] },
  { name: 'PyPI token', make: marked('pypi-AgEIcHlwaS5vcmc', safe, 100) },
  { name: 'RubyGems key', make: marked('rubygems_', hexDigits, 48) },
  { name: 'NuGet key', make: marked('oy2', lower + digits, 43) },
  { name: 'Docker token', make: marked('dckr_pat_', safe, 27) },
  {
    name: 'Docker registry login',
    make: (r) => Buffer.from(pick(r, word, 24)).toString('base64'),
    places: [(s) => `{"auths": {"hub": {"auth": "${s}"}}}\n`],
  },
  { name: 'Google API key', make: marked('AIza', safe, 35) },
  { name: 'Google client secret', make: marked('GOCSPX-', safe, 28) },
  { name: 'Google access token', make: marked('ya29.', safe, 120) },
  {
    name: 'Azure storage key',
    make: (r) => `DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=${pick(r, base64, 86)}==`,
  },
  {
    name: 'Azure shared access signature',
    make: (r) => `https://shop.blob.core.windows.net/a?sv=2022&sig=${pick(r, word, 43)}%3D`,
  },
  { name: 'Azure client secret', make: (r) => `${pick(r, word, 3)}8Q~${pick(r, safe, 34)}` },
  { name: 'DigitalOcean token', make: marked('dop_v1_', hexDigits, 64) },
  {
    name: 'Heroku key',
    make: (r) =>
      `HRKU-${pick(r, hexDigits, 8)}-${pick(r, hexDigits, 4)}-${pick(r, hexDigits, 4)}-${pick(r, hexDigits, 4)}-${pick(r, hexDigits, 12)}`,
  },
  { name: 'Databricks token', make: marked('dapi', hexDigits, 32) },
  { name: 'Netlify token', make: marked('nfp_', word, 36) },
  { name: 'Supabase token', make: marked('sbp_', hexDigits, 40) },
  { name: 'PlanetScale token', make: marked('pscale_tkn_', safe, 43) },
  { name: 'Pulumi token', make: marked('pul-', hexDigits, 40) },
  { name: 'Terraform token', make: (r) => `${pick(r, word, 14)}.atlasv1.${pick(r, safe, 67)}` },
  { name: 'Vault token', make: marked('hvs.', safe, 90) },
  { name: 'Doppler token', make: marked('dp.pt.', word, 43) },
  { name: 'Tailscale key', make: (r) => `tskey-auth-${pick(r, word, 12)}-${pick(r, word, 32)}` },
  { name: 'OpenAI key', make: marked('sk-proj-', safe, 120) },
  { name: 'OpenAI older key', make: marked('sk-', word, 48) },
  { name: 'Anthropic key', make: marked('sk-ant-api03-', safe, 93, 'AA') },
  { name: 'Hugging Face token', make: marked('hf_', lower + upper, 34) },
  { name: 'Groq key', make: marked('gsk_', word, 52) },
  { name: 'Replicate token', make: marked('r8_', word, 37) },
  { name: 'Stripe secret key', make: marked('sk_live_', word, 24) },
  { name: 'Stripe restricted key', make: marked('rk_live_', word, 24) },
  { name: 'Stripe webhook secret', make: marked('whsec_', word, 32) },
  { name: 'Square token', make: marked('sq0atp-', safe, 22) },
  { name: 'Shopify token', make: marked('shpat_', hexDigits, 32) },
  { name: 'Slack bot token', make: (r) => `xoxb-${pick(r, digits, 12)}-${pick(r, digits, 13)}-${pick(r, word, 24)}` },
  {
    name: 'Slack app token',
    make: (r) => `xapp-1-A${pick(r, upper, 10)}-${pick(r, digits, 13)}-${pick(r, hexDigits, 64)}`,
  },
  {
    name: 'Slack webhook',
    make: (r) => `https://hooks.slack.com/services/T${pick(r, upper, 8)}/B${pick(r, upper, 8)}/${pick(r, word, 24)}`,
  },
  { name: 'Discord token', make: (r) => `M${pick(r, word, 25)}.${pick(r, safe, 6)}.${pick(r, safe, 38)}` },
  {
    name: 'Discord webhook',
    make: (r) => `https://discord.com/api/webhooks/${pick(r, digits, 18)}/${pick(r, safe, 68)}`,
  },
  { name: 'Telegram token', make: (r) => `${pick(r, '123456789', 9)}:AA${pick(r, safe, 33)}` },
  { name: 'SendGrid key', make: (r) => `SG.${pick(r, safe, 22)}.${pick(r, safe, 43)}` },
  { name: 'Mailgun key', make: marked('key-', hexDigits, 32) },
  { name: 'Mailchimp key', make: marked('', hexDigits, 32, '-us12') },
  { name: 'Twilio key', make: marked('SK', hexDigits, 32) },
  { name: 'Twilio auth token', make: part(32, hexDigits), names: ['TWILIO_AUTH_TOKEN', 'authToken'] },
  { name: 'Postman key', make: (r) => `PMAK-${pick(r, hexDigits, 24)}-${pick(r, hexDigits, 34)}` },
  { name: 'Datadog key', make: part(32, hexDigits), names: ['DD_API_KEY', 'datadogApiKey'] },
  { name: 'New Relic key', make: marked('NRAK-', upper + digits, 27) },
  { name: 'Grafana token', make: (r) => `glsa_${pick(r, word, 32)}_${pick(r, hexDigits, 8)}` },
  { name: 'Sentry token', make: marked('sntrys_', base64, 80) },
  { name: 'Linear key', make: marked('lin_api_', word, 40) },
  { name: 'Notion token', make: marked('ntn_', word, 46) },
  { name: 'Figma token', make: marked('figd_', safe, 40) },
  { name: 'Airtable token', make: (r) => `pat${pick(r, word, 14)}.${pick(r, hexDigits, 64)}` },
  { name: 'Algolia admin key', make: part(32, hexDigits), names: ['ALGOLIA_ADMIN_API_KEY', 'adminApiKey'] },
  {
    name: 'web token',
    make: (r) =>
      `${base64url({ alg: 'HS256', typ: 'JWT' })}.${base64url({ sub: pick(r, digits, 10), name: pick(r, lower, 8) })}.${pick(r, safe, 43)}`,
  },
  { name: 'RSA private key', make: privateKey('RSA PRIVATE KEY'), places: inFile },
  { name: 'EC private key', make: privateKey('EC PRIVATE KEY'), places: inFile },
  { name: 'OpenSSH private key', make: privateKey('OPENSSH PRIVATE KEY'), places: inFile },
  { name: 'PGP private key', make: privateKey('PGP PRIVATE KEY BLOCK'), places: inFile },
  {
    name: 'middle of a private key',
    make: (r) => Array.from({ length: 5 }, () => pick(r, base64, 64)).join('\n'),
    places: [(s) => `${s}\n`],
  },
  { name: 'age key', make: marked('AGE-SECRET-KEY-1', upper + digits, 58) },
  { name: 'PostgreSQL address', make: inUrl('postgres', 'db.internal:5432/shop') },
  { name: 'MongoDB address', make: inUrl('mongodb+srv', 'cluster0.abcde.mongodb.net') },
  { name: 'Redis address', make: (r) => `redis://:${pick(r, word, 20)}@cache.internal:6379` },
  { name: 'web address with a password', make: inUrl('https', 'git.internal/shop.git') },
  {
    name: 'SQL Server connection',
    make: (r) => `Server=db.internal;Database=shop;User Id=sa;Password=${pick(r, word, 14)};`,
  },
  { name: 'random password', make: part(18, `${word}!#%^*`), names: ['password', 'DB_PASSWORD', 'smtpPassword'] },
  { name: 'human password', make: humanPassword, names: ['password', 'adminPassword', 'MYSQL_ROOT_PASSWORD'] },
  {
    name: 'password in a command',
    make: humanPassword,
    places: [(s) => `mysqldump --user root --password ${s} shop\n`, (s) => `curl -u admin:${s} https://ci.internal/\n`],
  },
  { name: 'netrc line', make: part(16), places: [(s) => `machine git.internal login ada password ${s}\n`] },
  {
    name: 'bearer header',
    make: part(40),
    places: [
      (s) => `fetch(url, { headers: { Authorization: 'Bearer ${s}' } });\n`,
      (s) => `curl -H "Authorization: Bearer ${s}" https://api.internal\n`,
    ],
  },
  {
    name: 'basic header',
    make: (r) => Buffer.from(`ada:${pick(r, word, 14)}`).toString('base64'),
    places: [(s) => `headers = {"Authorization": "Basic ${s}"}\n`],
  },
  { name: 'session secret', make: part(32), names: ['SESSION_SECRET', 'cookieSecret'] },
  { name: 'encryption key', make: part(64, hexDigits), names: ['ENCRYPTION_KEY', 'encryptionKey', 'masterKey'] },
  { name: 'client secret', make: part(32, safe), names: ['client_secret', 'clientSecret'] },
  { name: 'database user', make: humanPassword, places: [(s) => `CREATE USER shop IDENTIFIED BY '${s}';\n`] },
];

const assignments: readonly ((name: string, secret: string) => string)[] = [
  (name, secret) => `const ${camel(name)} = '${secret}';\n`,
  (name, secret) => `  ${camel(name)}: "${secret}",\n`,
  (name, secret) => `${upperSnake(name)} = "${secret}"\n`,
  (name, secret) => `  "${name}": "${secret}"\n`,
  (name, secret) => `export ${upperSnake(name)}="${secret}"\n`,
  (name, secret) => `client = Client(${upperSnake(name).toLowerCase()}="${secret}", timeout=30)\n`,
];

/** `each` secrets of every kind, in ordinary code around them. */
export function plantSecrets(each: number, random: Random): readonly Planted[] {
  return secretKinds.flatMap((kind) =>
    Array.from({ length: each }, (_, i): Planted => {
      const secret = kind.make(random);
      const place = kind.places?.[i % kind.places.length];
      const names = kind.names ?? ['apiKey', 'token', 'value', 'service_url'];
      const assign = assignments[i % assignments.length];
      const line = place?.(secret) ?? assign?.(names[i % names.length] ?? '', secret) ?? '';
      const text = `import { shop } from './shop';\n\nfunction open(region) {\n${line}  return shop.connect(region);\n}\n`;
      return { kind: kind.name, secret, text };
    }),
  );
}

function camel(name: string): string {
  return name.includes('_') ? name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()) : name;
}

function upperSnake(name: string): string {
  return name.replace(/([a-z\d])([A-Z])/g, '$1_$2').toUpperCase();
}
