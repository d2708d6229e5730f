import { lintSource } from '@secretlint/core';
import { creator } from '@secretlint/secretlint-rule-preset-recommend';
import { isPlaceholder } from './placeholder.ts';
import { secretAssignments } from './secretAssignments.ts';
import { secretPlaces, secretShapes } from './secretShapes.ts';

/** Whether a text holds something that looks like a secret. What was found is never given: it must not reach a log. */
export type HasSecret = (text: string) => Promise<boolean>;

/**
 * Secretlint's preset first, then our own shapes, then literals whose name or place says what they are, then the
 * organisation's rules. A comment that switches secretlint off is not obeyed: it speaks to another tool.
 */
export function createSecretScanner(moreRules: readonly string[]): HasSecret {
  const more = moreRules.map((source) => new RegExp(source, 'u'));
  return async (text) => {
    if (more.some((rule) => rule.test(text))) return true;
    if (secretShapes.some((shape) => holds(text, shape))) return true;
    if (secretPlaces.some((place) => [...text.matchAll(place)].some(([, found = '']) => !isPlaceholder(found))))
      return true;
    if (secretAssignments(text)) return true;
    return lintFinds(text);
  };
}

/** A key that only stands for one, as in a test or a manual, is no secret. */
function holds(text: string, shape: RegExp): boolean {
  for (const [found] of text.matchAll(new RegExp(shape, `g${shape.flags}`))) {
    if (found.includes('\n') || !isPlaceholder(found)) return true;
  }
  return false;
}

async function lintFinds(text: string): Promise<boolean> {
  const { messages } = await lintSource({
    source: { content: text, filePath: 'text.txt', ext: '.txt', contentType: 'text' },
    options: { noPhysicFilePath: true, maskSecrets: true, config: { rules } },
  });
  return messages.length > 0;
}

const rules = [
  {
    id: '@secretlint/secretlint-rule-preset-recommend',
    rule: creator,
    rules: [{ id: '@secretlint/secretlint-rule-filter-comments', disabled: true }],
  },
];
