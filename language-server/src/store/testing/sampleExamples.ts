import { contentHashOf, type Example, type ExampleKind, kindWeights } from '../../learning/example.ts';

/** An example whose text no other number has. */
export function sampleExample(number: number, more: Partial<Example> & { readonly kind?: ExampleKind } = {}): Example {
  const kind = more.kind ?? 'accepted';
  const text =
    more.text ?? `function total${number}(prices) {\n  return prices.reduce((a, b) => a + b, price${number});\n}\n`;
  const spanStart = more.spanStart ?? text.indexOf('\n') + 1;
  const spanEnd = more.spanEnd ?? text.length - 2;
  return {
    id: `example-${number}`,
    kind,
    repository: 'shop#00000000',
    path: `src/total${number}.js`,
    languageId: 'javascript',
    text,
    spanStart,
    spanEnd,
    weight: kindWeights[kind],
    createdAtMs: 1_700_000_000_000 + number * 1000,
    contentHash: contentHashOf(text, spanStart, spanEnd),
    ...more,
  };
}
