import { withoutUnfinishedCharacter } from '../lines.ts';
import { cutAt, type Filter, keep, withhold } from './filter.ts';

/** How models write the tokens that are not text; a vocabulary that lacks one of them spells it in letters. */
const specialToken =
  /<\|[A-Za-z_▁]{2,40}\|>|<｜[^｜\n]{2,40}｜>|<(?:fim_prefix|fim_suffix|fim_middle|fim_pad|file_sep|repo_name|reponame|filename|gh_stars|issue_start|issue_comment|jupyter_start|jupyter_code|jupyter_output|empty_output|commit_before|commit_msg|commit_after|s|\/s|unk|pad|eos|bos|PRE|SUF|MID|EOT)>|\[(?:INST|\/INST|PREFIX|SUFFIX|MIDDLE)\]/g;

/** Controls but tab and line ends; the byte order mark; controls of writing direction, which make code read as what it is not. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const control = /[\u0000-\u0008\u000B\u000E-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069\uFEFF]/;
const halfCharacter = /\uFFFD|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

/** HTML has elements of these names, and `<s>` is a type parameter elsewhere. */
const alsoMarkup = /^<\/?s>$/;

/** Cuts at a leaked token, unless the file is about such tokens; what is no text at all is withheld. */
export const brokenText: Filter = (completion, { prefix, suffix, languageId }) => {
  const whole = withoutUnfinishedCharacter(completion);
  if (control.test(whole) || halfCharacter.test(whole)) return withhold('brokenText');
  const around = prefix.slice(-4000) + suffix.slice(0, 4000);
  for (const found of whole.matchAll(specialToken)) {
    if (around.includes(found[0])) continue;
    if (
      alsoMarkup.test(found[0]) &&
      found.index > 0 &&
      /html|react|vue|svelte|markdown|xml|rust|java|typescript|cpp/.test(languageId)
    )
      continue;
    return cutAt(completion, found.index, 'brokenText');
  }
  return whole === completion ? keep : cutAt(completion, whole.length, 'brokenText');
};
