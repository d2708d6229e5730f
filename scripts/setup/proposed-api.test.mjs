import { expect, it } from 'vitest';
import { closeGate } from './proposed-api.mjs';

const open =
  'function a(b,c){return!0}function d(e,f){return!0}function g(h,i){if(!d(h,i))throw new Error(`Extension needs a proposal`)}';

it('asks the manifest where code-server lets every extension use proposed API', () => {
  const { code, count } = closeGate(open);
  expect(count).toBe(1);
  const allowed = new Function(`${code};return d`)();
  expect(allowed({ enabledApiProposals: ['inlineCompletionsAdditions'] }, 'inlineCompletionsAdditions')).toBe(true);
  expect(allowed({ enabledApiProposals: ['other'] }, 'inlineCompletionsAdditions')).toBe(false);
  expect(allowed({}, 'inlineCompletionsAdditions')).toBe(false);
});

it('leaves other functions that return true alone, and says when the gate is not there', () => {
  expect(closeGate(open).code).toContain('function a(b,c){return!0}');
  expect(closeGate('function a(b,c){return!0}')).toEqual({ code: 'function a(b,c){return!0}', count: 0 });
});
