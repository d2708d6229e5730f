import type { CheckPolicyResult, PolicyOrigin, PolicyRow, PolicyView } from '#protocol/policy.ts';

const whose: Readonly<Record<PolicyOrigin, string>> = {
  floor: 'Argot',
  organisation: 'your organisation',
  admin: 'this machine’s administrator',
  user: 'your settings',
  federation: 'the repository’s federation',
};

export function originText(origins: readonly PolicyOrigin[]): string {
  return origins.map((origin) => whose[origin]).join(' and ');
}

/** “Show Effective Policy” as a Markdown document. */
export function effectivePolicyDocument(view: PolicyView | undefined): string {
  if (view === undefined)
    return '# Effective policy\n\nThe language server is not running, so nothing is learned or sent.\n';
  const said = [...view.lockedDown, ...view.complaints];
  return [
    '# Effective policy',
    'What may happen on this machine. The strictest layer holds, field by field; 🔒 marks what your settings can’t loosen.',
    ...(said.length === 0 ? [] : ['## Said', said.map((each) => `- ${each}`).join('\n')]),
    table(view.rows),
    '## Where it comes from',
    [
      `- Administrator: \`${view.adminFile}\``,
      `- Organisation: \`${view.organisationFile}\`, or what the coordinator sent`,
      '- You: the setting `argot.policy`, which can only make things stricter',
    ].join('\n'),
    '',
  ].join('\n\n');
}

/** “Check Policy File” as a Markdown document. */
export function checkedPolicyDocument(name: string, { complaints, rows }: CheckPolicyResult): string {
  const verdict =
    complaints.length === 0
      ? 'The file is valid. Installed as the admin file, owned by an administrator and writable by nobody else, it holds.'
      : 'The file is **not valid**. Installed as it is, it locks learning, federation and the network off.';
  return [
    `# ${name}`,
    verdict,
    ...(complaints.length === 0 ? [] : ['## To correct', complaints.map((each) => `- ${each}`).join('\n')]),
    '## What would hold',
    table(rows.filter(({ origins }) => origins.some((origin) => origin !== 'floor'))),
    '',
  ].join('\n\n');
}

function table(rows: readonly PolicyRow[]): string {
  if (rows.length === 0) return 'Nothing beyond Argot’s own limits.';
  const lines = rows.map(
    ({ field, title, value, origins, locked }) =>
      `| \`${field}\` ${locked ? '🔒' : ''} | ${cell(value)} | ${originText(origins)} | ${cell(title)} |`,
  );
  return ['| Field | Value | Set by | Meaning |', '|---|---|---|---|', ...lines].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll('\n', ' ');
}
