import { mean, percentile, rounded, sum } from '../lib/measure.ts';
import { createRandom } from '../lib/random.ts';
import type { TypedLosses } from './typedGain.ts';
import type { TypedFile } from './typing.ts';

const resamples = 2000;

/** The same files typed with and without the index, and losses at places of the first. */
export function summariseTyping(
  withIndex: readonly TypedFile[],
  without: readonly TypedFile[],
  losses: readonly TypedLosses[],
) {
  const requests = withIndex.flatMap((file) => file.requests);
  const total = (of: (each: TypedLosses) => number): number => sum(losses.map(of));
  const [never, product, always] = [total((x) => x.never), total((x) => x.product), total((x) => x.always)];
  const keys = sum(withIndex.map((file) => file.keys));
  const queries = sum(withIndex.map((file) => file.queries));
  return {
    files: withIndex.length,
    keys,
    /** Of the keys, and of the prompts that the model was given: most keys are typed through an offer. */
    askedShare: { keys: rounded(queries / keys, 3), prompts: rounded(queries / requests.length, 3) },
    chunksInPrompts: rounded(mean(requests.map(({ chunks }) => (chunks > 0 ? 1 : 0))), 3),
    places: losses.length,
    change: { product: rounded(product / never - 1, 4), always: rounded(always / never - 1, 4) },
    gainKept: rounded((never - product) / (never - always), 3),
    gainKeptCi: gainKeptCi(losses),
    authors: [...new Set(losses.map(({ author }) => author))].map((author) => {
      const own = losses.filter((each) => each.author === author);
      const base = sum(own.map((each) => each.never));
      return {
        author,
        product: rounded(sum(own.map((each) => each.product)) / base - 1, 4),
        always: rounded(sum(own.map((each) => each.always)) / base - 1, 4),
      };
    }),
    without: typed(without),
    with: typed(withIndex),
  };
}

/** 95 % by bootstrap over places. */
function gainKeptCi(losses: readonly TypedLosses[]): [number, number] {
  const random = createRandom(1);
  const kept = Array.from({ length: resamples }, () => {
    let [saved, most] = [0, 0];
    for (let i = 0; i < losses.length; i++) {
      const each = losses[Math.floor(random() * losses.length)];
      if (each === undefined) continue;
      saved += each.never - each.product;
      most += each.never - each.always;
    }
    return saved / most;
  });
  return [rounded(percentile(kept, 0.025), 3), rounded(percentile(kept, 0.975), 3)];
}

function typed(files: readonly TypedFile[]) {
  const keys = sum(files.map((file) => file.keys));
  const of = (what: keyof TypedFile['work']): number => sum(files.map(({ work }) => work[what]));
  const answers = files.flatMap(({ answerMs }) => answerMs);
  return {
    reusedShare: rounded(of('reusedTokens') / of('promptTokens'), 4),
    preparedTokensPerKey: rounded(of('preparedTokens') / keys, 2),
    /** Keys that had their answer before the next. */
    answeredShare: rounded(answers.length / keys, 4),
    answerP95Ms: percentile(answers, 0.95),
  };
}
