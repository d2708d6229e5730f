import { entropy } from '../entropy.ts';
import { lineBefore } from '../lines.ts';
import { type Filter, keep, withhold } from './filter.ts';

/** Shapes by which services mark their keys; long enough that nothing else has them. */
const marked = [
  /\b(?:AKIA|ASIA|AROA)[0-9A-Z]{16}\b/,
  /\bgh[pousr]_[A-Za-z0-9]{36,}/,
  /\bgithub_pat_[A-Za-z0-9_]{40,}/,
  /\bglpat-[\w-]{20,}/,
  /\bxox[abeprs]-[A-Za-z0-9-]{20,}/,
  /\bsk-(?:proj-|ant-[a-z0-9]+-)?[A-Za-z0-9_-]{32,}/,
  /\b[rs]k_live_[0-9A-Za-z]{20,}/,
  /\bAIza[\w-]{35}/,
  /\bnpm_[A-Za-z0-9]{36}/,
  /\bpypi-AgE[\w-]{40,}/,
  /\bhf_[A-Za-z0-9]{30,}/,
  /\bSG\.[\w-]{20,}\.[\w-]{40,}/,
  /\bdop_v1_[0-9a-f]{60,}/,
  /\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}/,
  /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----/,
];

/** `name = 'literal'`, `"name": "literal"`, `NAME=literal`. */
const assignment =
  /["']?([A-Za-z_][\w.-]*)["']?\s*(?::=|=>|[:=])\s*(?:[A-Za-z]{1,2}(?=["']))?(["'`]?)([^\s"'`,;]{12,200})\2/g;
const credentialsInUrl = /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:/@"'`]+:([^\s:/@"'`]{8,})@[^\s/"'`]/gi;

const secretName =
  /(?:^|_)(?:password|passwd|pwd|passphrase|secrets?|token|credentials?|apikey|api_key|access_key|private_key|secret_key|signing_key|encryption_key|auth_key)(?:_|$)/;
/** What is derived from a secret, or only speaks of it. */
const harmlessName =
  /(?:^|_)(?:hash|digest|checksum|sha\d*|id|name|url|uri|path|type|length|pattern|regex|count|public|field|label|key_id|header)(?:_|$)/;
const placeholder =
  /your|example|sample|dummy|changeme|change_me|replace|placeholder|insert|xxx|\*\*\*|\.\.\.|1234567|abcdefg|test|process\.env|getenv|environ/i;
const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/** Bits per character, and with them the least length, from which a literal looks random. */
const randomBits = 3.3;

/**
 * Withholds what looks like a key or a password: a model may have learned one, and an invented one does harm as well.
 * A literal without a mark counts only where its name says that it is secret, so that hashes, UUIDs and images stay.
 */
export const secret: Filter = (completion, { prefix }) => {
  const before = lineBefore(prefix);
  const text = before + completion;
  const isNew = (found: RegExpMatchArray): boolean => (found.index ?? 0) + found[0].length > before.length;
  for (const shape of marked) {
    for (const found of text.matchAll(new RegExp(shape, 'g'))) {
      if (isNew(found) && !placeholder.test(found[0])) return withhold('secret');
    }
  }
  for (const found of text.matchAll(credentialsInUrl)) {
    if (isNew(found) && looksRandom(found[1] ?? '')) return withhold('secret');
  }
  for (const found of text.matchAll(assignment)) {
    const [, name = '', , literal = ''] = found;
    if (isNew(found) && isSecretName(name) && looksRandom(literal)) return withhold('secret');
  }
  return keep;
};

function isSecretName(name: string): boolean {
  const words = name
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .replace(/[.-]/g, '_')
    .toLowerCase();
  return secretName.test(words) && !harmlessName.test(words);
}

function looksRandom(literal: string): boolean {
  if (placeholder.test(literal) || uuid.test(literal) || /[$<>{}()[\]]/.test(literal)) return false;
  if (!/\d/.test(literal) || !/[A-Za-z]/.test(literal)) return false;
  return entropy(literal) >= randomBits || (/^[0-9a-f]{24,}$/i.test(literal) && entropy(literal) >= 3);
}
