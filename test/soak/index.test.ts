import { test } from 'vitest';
import { crashIndex } from '../lib/indexCrashes.ts';

test('killed at 100 random points, an index is never wrong', () => crashIndex(100, 29));
