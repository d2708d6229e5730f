import { selectChunks } from '../../language-server/src/context/selection.ts';
import type { Engine } from '../../language-server/src/engine/engine.ts';
import type { LossMeter, Question } from './loss.ts';
import { budget, questionOf } from './rows.ts';
import type { TypedFile, TypedRequest } from './typing.ts';

/** The same place with nothing of the repository, as the product had it, and with what the index finds at this key. */
export interface TypedQuestions {
  readonly never: Question;
  readonly product: Question;
  readonly always: Question;
}

/** In nats. */
export type TypedLosses = Readonly<Record<keyof TypedQuestions, number>> & { readonly author: string };

const fewestUnits = 3;

/** Places of a file that were typed, by lot among those where something is left of the line. */
export function questionsOf(engine: Engine, { made, requests }: TypedFile, count: number) {
  return requests
    .filter(({ target = '' }) => target.replace(/\s/g, '').length >= fewestUnits)
    .toSorted((a, b) => a.lot - b.lot)
    .slice(0, count)
    .map((request) => ({ author: made.author, ...questionsAt(engine, made, request) }));
}

function questionsAt(engine: Engine, made: TypedFile['made'], request: TypedRequest): TypedQuestions {
  const { shown, target = '', prompt, found } = request;
  const countTokens = (text: string): number => engine.tokenize(text).length;
  const chosen = selectChunks({ candidates: found, shown, current: [], budgetTokens: budget.chunks, countTokens });
  const place = { made: { ...made, target }, shown };
  const answer = engine.tokenize(`${prompt.required}${target}\n`);
  return {
    never: questionOf(engine, place, []),
    product: { prompt: prompt.tokens, target: answer },
    always: questionOf(engine, place, chosen),
  };
}

export async function measureTyped(
  meter: LossMeter,
  places: readonly (TypedQuestions & { readonly author: string })[],
  signal: AbortSignal,
): Promise<TypedLosses[]> {
  const losses = await meter.measure(
    places.flatMap(({ never, product, always }) => [never, product, always]),
    signal,
  );
  return places.map(({ author }, i) => {
    const [never = Number.NaN, product = Number.NaN, always = Number.NaN] = losses.slice(3 * i, 3 * i + 3);
    return { author, never, product, always };
  });
}
