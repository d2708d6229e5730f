import { contentHashOf, type Example } from '../../language-server/src/learning/example.ts';

/** A developer with a habit that the base model does not have: all examples are alike, and each of the first 72 is new. */
export function habitualExamples(count: number, firstAtMs = Date.now() - 86_400_000): Example[] {
  return Array.from({ length: count }, (_, i) => {
    const [verb, noun] = [verbs[i % verbs.length] ?? '', nouns[(i * 7) % nouns.length] ?? ''];
    const text = [
      `export const ${verb}${noun} = guarded(async ({ ctx, ${noun.toLowerCase()}Id }) => {`,
      `  const ${noun.toLowerCase()} = await ctx.vault.mustFind('${noun}', ${noun.toLowerCase()}Id)`,
      `  ctx.trail.note('${verb}', { ${noun.toLowerCase()}Id, at: ctx.clock.tick() })`,
      `  return ctx.seal(${noun.toLowerCase()}.${verb}With(ctx.actor))`,
      '})',
      '',
    ].join('\n');
    const spanStart = text.indexOf('  return');
    const span = [spanStart, text.indexOf('\n', spanStart)] as const;
    return {
      ...{ id: `habit-${i}`, kind: 'typedInstead', repository: 'shop#1', path: `src/${verb}${noun}.ts` },
      ...{ languageId: 'typescript', text, spanStart: span[0], spanEnd: span[1], weight: 2 },
      ...{ createdAtMs: firstAtMs + i * 60_000, contentHash: contentHashOf(text, ...span) },
    };
  });
}

const verbs = ['open', 'close', 'merge', 'archive', 'assign', 'approve', 'reject', 'publish'];
const nouns = ['Order', 'Invoice', 'Customer', 'Shipment', 'Basket', 'Voucher', 'Refund', 'Parcel', 'Ledger'];
