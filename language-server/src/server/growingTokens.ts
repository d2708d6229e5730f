import type { Engine, TokenId } from '../engine/engine.ts';

/** So much at a text's end is tokenized anew, in UTF-16 units; the rest is remembered. */
const leastTail = 256;
const longestTail = 1_024;
const remembered = 4;

interface Head {
  readonly engine: Engine;
  readonly text: string;
  readonly tokens: readonly TokenId[];
}

/**
 * Tokenizes texts that change at their end only, as a prompt does from key to key: what lies before is tokenized once. The cut
 * is between a letter and a mark of punctuation, which the vocabularies of code models keep apart; each cut is tried first.
 */
export function createGrowingTokenizer(): (engine: Engine, text: string) => TokenId[] {
  let heads: readonly Head[] = [];

  function learn(engine: Engine, text: string, whole: readonly TokenId[]): void {
    const head = headOf(text);
    if (head === '') return;
    const tokens = engine.tokenize(head);
    const tail = engine.tokenize(text.slice(head.length));
    const fits = tokens.length + tail.length === whole.length && tokens.every((token, i) => token === whole[i]);
    if (fits) heads = [{ engine, text: head, tokens }, ...heads].slice(0, remembered);
  }

  return (engine, text) => {
    const known = heads.find(
      (head) => head.engine === engine && text.length - head.text.length <= longestTail && text.startsWith(head.text),
    );
    if (known !== undefined) return [...known.tokens, ...engine.tokenize(text.slice(known.text.length))];
    const whole = engine.tokenize(text);
    learn(engine, text, whole);
    return whole;
  };
}

function headOf(text: string): string {
  for (let at = text.length - leastTail; at > 0; at--) {
    if (/[(.,;:)\]}]/.test(text[at] ?? '') && /[a-z]/i.test(text[at - 1] ?? '')) return text.slice(0, at);
  }
  return '';
}
