import { describe, expect, it } from 'vitest';
import { createPhraseCache } from './phraseCache.ts';

describe('the phrase cache', () => {
  it('prefers what followed the longest phrase that was met', () => {
    const cache = createPhraseCache();
    cache.add([1, 2, 3, 4, 5, 6, 7]);
    cache.add([9, 9, 9, 4, 5, 6, 8]);
    expect(cache.likely([1, 2, 3, 4, 5, 6])).toEqual([{ token: 7, bonus: 3 }]);
    // Only the last three agree, and what followed them was divided.
    expect(cache.likely([0, 0, 0, 4, 5, 6])).toEqual([{ token: 7, bonus: 0.5 }]);
  });

  it('says nothing after what was never met, or where nothing is clear', () => {
    const cache = createPhraseCache();
    for (const next of [10, 11, 12]) cache.add([4, 5, 6, next]);
    expect(cache.likely([4, 5, 6])).toEqual([]);
    expect(cache.likely([7, 7, 7])).toEqual([]);
    expect(cache.likely([])).toEqual([]);
  });
});
