import { expect, it } from 'vitest';
import type { ModelChoice } from '#protocol/models.ts';
import { consentText, modelItem, progressText, smallest } from './modelItems.ts';
import { sizeText } from './units.ts';

const choice: ModelChoice = {
  id: 'coder-1.5b',
  name: 'Coder 1.5B',
  parameters: '1.5B',
  licence: 'Apache-2.0',
  sizeBytes: 1_117_320_736,
  memoryBytes: 1_600_000_000,
  fitsMemory: true,
  fillInTheMiddle: true,
  installed: false,
  active: false,
};

it('shows size, licence, memory and speed', () => {
  expect(modelItem(choice)).toEqual({
    label: 'Coder 1.5B',
    description: '1.5B parameters, 1.1 GB, Apache-2.0',
    detail: 'Not downloaded · needs 1.6 GB of memory · speed not measured yet',
  });
  const used = modelItem({ ...choice, installed: true, active: true, speed: { prefill: 300, decode: 21.7 } });
  expect(used.label).toBe('$(check) Coder 1.5B');
  expect(used.detail).toBe('In use · needs 1.6 GB of memory · writes 22 and reads 300 tokens/s');
});

it('warns of what does not fit and of what sees no suffix', () => {
  const { detail } = modelItem({ ...choice, fitsMemory: false, fillInTheMiddle: false });
  expect(detail).toContain('more than this machine has free');
  expect(detail).toContain('does not see the text after the cursor');
  expect(consentText({ ...choice, fitsMemory: false }, 'https://hub.example')).toContain('may not load');
});

it('names source and sizes while it downloads', () => {
  const progress = { id: 'a', phase: 'downloading', receivedBytes: 5e6, totalBytes: 0, source: 'hub.example' } as const;
  expect(progressText(progress)).toBe('5 MB from hub.example');
  expect(progressText({ ...progress, totalBytes: 98_362_432 })).toBe('5 MB of 98 MB from hub.example');
});

it('takes the smallest model by default', () => {
  expect(smallest([choice, { ...choice, id: 'small', sizeBytes: 98e6 }])?.id).toBe('small');
  expect(smallest([])).toBeUndefined();
});

it.each([
  [0, '1 kB'],
  [999_999, '1000 kB'],
  [98_362_432, '98 MB'],
  [1_117_320_736, '1.1 GB'],
])('%i bytes are %s', (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});
