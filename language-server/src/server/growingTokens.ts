import type { Engine, TokenId } from '../engine/engine.ts';

/** So much at a text's end is tokenized anew, in UTF-16 units; the rest is remembered. */
const leastTail = 96;
const longestTail = 512;
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

  /** Remembers more of a text whose tokens are known, where a cut leaves them as they are. */
  function learn(engine: Engine, text: string, whole: readonly TokenId[], known: Head | undefined): void {
    const head = headOf(text);
    const from = known?.text.length ?? 0;
    if (head.length <= from) return;
    const tokens = [...(known?.tokens ?? []), ...engine.tokenize(head.slice(from))];
    const tail = engine.tokenize(text.slice(head.length));
    const fits = tokens.length + tail.length === whole.length && tokens.every((token, i) => token === whole[i]);
    if (fits) heads = [{ engine, text: head, tokens }, ...heads].slice(0, remembered);
  }

  return (engine, text) => {
    const known = heads.find((head) => head.engine === engine && text.startsWith(head.text));
    const rest = text.slice(known?.text.length ?? 0);
    const whole = [...(known?.tokens ?? []), ...engine.tokenize(rest)];
    if (known === undefined || rest.length > longestTail) learn(engine, text, whole, known);
    return whole;
  };
}

function headOf(text: string): string {
  for (let at = text.length - leastTail; at > 0; at--) {
    if (/[(.,;:)\]}]/.test(text[at] ?? '') && /[a-z]/i.test(text[at - 1] ?? '')) return text.slice(0, at);
  }
  return '';
}
