import { z } from 'zod';
import { contentHashOf, type Example, exampleKinds } from '../learning/example.ts';

/** An example as a line of a segment; `format` tells a later version how to read it. */
const recordSchema = z
  .object({
    format: z.literal(1),
    id: z.string().min(1).max(100),
    kind: z.enum(exampleKinds),
    repository: z.string(),
    path: z.string(),
    languageId: z.string(),
    text: z.string(),
    spanStart: z.int().gte(0),
    spanEnd: z.int().gte(0),
    weight: z.number().gte(0),
    createdAtMs: z.number(),
    contentHash: z.string().regex(/^[0-9a-f]{64}$/),
  })
  .refine(
    ({ text, spanStart, spanEnd }) => spanStart <= spanEnd && spanEnd <= text.length,
    'the span lies in the text',
  );

/** Undefined where the line is of another format, or is no example. */
export function parseExample(json: string): Example | undefined {
  const parsed = recordSchema.safeParse(JSON.parse(json));
  if (!parsed.success) return undefined;
  const { format: _, ...example } = parsed.data;
  return example;
}

export function exampleRecord(example: Example): unknown {
  return { format: 1, ...example };
}

/**
 * What an idiom is the same by: the span's words, with literals and blanks left out. Examples of one idiom teach the same
 * again and again, so the store keeps only a few.
 */
export function idiomOf({ text, spanStart, spanEnd }: Example): string {
  const span = text
    .slice(spanStart, spanEnd)
    .replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g, '""')
    .replace(/\b\d[\w.]*/g, '0')
    .replace(/\s+/g, ' ')
    .trim();
  return contentHashOf(span === '' ? text : span, 0, 0);
}

/** A line of closing brackets is everybody's idiom: such spans are told apart by what stands around them, within reason. */
export function mostOfIdiom({ text, spanStart, spanEnd }: Example): number {
  return /[\p{L}\p{N}_]{2}/u.test(text.slice(spanStart, spanEnd)) ? 5 : 20;
}
