import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type GgufFault, readGguf } from './gguf.ts';
import { sampleGguf, sampleModel, text, u32, u64 } from './testing/sampleGguf.ts';

let folder = '';
let path = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'argot-gguf-'));
  path = join(folder, 'model.gguf');
});
afterEach(() => rm(folder, { recursive: true }));

async function read(bytes: Buffer) {
  await writeFile(path, bytes);
  return readGguf(path);
}

async function faultOf(bytes: Buffer): Promise<GgufFault | 'none'> {
  const result = await read(bytes);
  if (!result.ok) expect(result.message).toMatch(/^.+\. .+\.$/);
  return result.ok ? 'none' : result.fault;
}

/** A header without tensors that claims `entryCount` entries and goes on with `rest`. */
function header(entryCount: number, ...rest: Buffer[]): Buffer {
  return Buffer.concat([Buffer.from('GGUF'), u32(3), u64(0), u64(entryCount), ...rest]);
}

describe('readGguf', () => {
  it('reads metadata, control tokens and sizes', async () => {
    const result = await read(
      sampleModel({
        'tokenizer.ggml.tokens': ['<s>', 'word', '<|fim_prefix|>', '[INST]', '<', '▁<PRE>', 'é'],
        'general.file_type': 7,
        flag: true,
      }),
    );
    if (!result.ok) throw new Error(result.message);
    const { gguf } = result;
    expect(gguf.architecture).toBe('llama');
    expect(gguf.metadata.get('general.file_type')).toBe(7);
    expect(gguf.metadata.get('flag')).toBe(true);
    expect([...gguf.markers]).toEqual([
      [0, '<s>'],
      [2, '<|fim_prefix|>'],
      [3, '[INST]'],
      [5, '▁<PRE>'],
    ]);
    expect(gguf.vocabularySize).toBe(7);
    expect(gguf.parameterCount).toBe(6400);
    expect(gguf.weightsBytes).toBe(25_600);
  });

  it('reads across the ends of its buffer', async () => {
    const tokens = Array.from({ length: 60_000 }, (_, id) => (id % 1000 === 0 ? `<|mark ${id}|>` : `token${id}`));
    const result = await read(sampleModel({ 'tokenizer.ggml.tokens': tokens, after: 'still in step' }));
    if (!result.ok) throw new Error(result.message);
    expect(result.gguf.markers.size).toBe(60);
    expect(result.gguf.markers.get(59_000)).toBe('<|mark 59000|>');
    expect(result.gguf.metadata.get('after')).toBe('still in step');
  });

  it('keeps short lists of numbers and skips long ones', async () => {
    const long = Array.from({ length: 5000 }, (_, i) => i);
    const result = await read(sampleModel({ 'llama.heads': [1, 2, 3], long, after: 5 }));
    if (!result.ok) throw new Error(result.message);
    expect(result.gguf.metadata.get('llama.heads')).toEqual([1, 2, 3]);
    expect(result.gguf.metadata.has('long')).toBe(false);
    expect(result.gguf.metadata.get('after')).toBe(5);
  });

  it.each(['', 'GG', 'not a model at all', '<!doctype html><title>Sign in</title>'])('refuses %j', async (content) => {
    expect(await faultOf(Buffer.from(content))).toBe('notGguf');
  });

  it('tells old, future and big-endian files apart', async () => {
    expect(await faultOf(sampleGguf({ version: 1 }))).toBe('unsupportedVersion');
    expect(await faultOf(sampleGguf({ version: 9 }))).toBe('unsupportedVersion');
    const result = await read(sampleGguf({ version: 0x03000000 }));
    expect(result).toMatchObject({ ok: false, message: expect.stringContaining('big-endian') });
    expect(await faultOf(sampleGguf({ version: 2 }))).toBe('none');
  });

  it('notices a file cut anywhere', async () => {
    const whole = sampleModel();
    expect(await faultOf(whole)).toBe('none');
    for (const length of [4, 20, 30, 100, 300, whole.length - 25_600, whole.length - 1]) {
      await writeFile(path, whole);
      await truncate(path, length);
      expect(await readGguf(path), `${length} bytes`).toMatchObject({ ok: false, fault: 'truncated' });
    }
  });

  it('computes the end of quantised tensors', async () => {
    // 4096 elements of Q4_K are 16 blocks of 144 bytes.
    const whole = sampleGguf({ tensors: [{ dimensions: [256, 16], type: 12 }] });
    expect(await faultOf(whole)).toBe('none');
    expect(await faultOf(whole.subarray(0, whole.length - 1))).toBe('truncated');
  });

  it.each<[string, Buffer, GgufFault]>([
    ['2^60 entries', header(2 ** 60), 'damaged'],
    ['2^60 tensors', Buffer.concat([Buffer.from('GGUF'), u32(3), u64(2 ** 60), u64(0)]), 'damaged'],
    ['a name of 2^62 bytes', header(1, u64(2 ** 62)), 'truncated'],
    ['a text of 2^62 bytes', header(1, text('key'), u32(8), u64(2 ** 62)), 'truncated'],
    ['a list of 2^62 items', header(1, text('key'), u32(9), u32(4), u64(2 ** 62)), 'damaged'],
    ['15 million texts that are not there', header(1, text('key'), u32(9), u32(8), u64(15e6)), 'truncated'],
    ['a list of lists', header(1, text('key'), u32(9), u32(9), u64(1)), 'damaged'],
    ['a type that does not exist', header(1, text('key'), u32(77)), 'damaged'],
    ['an alignment of 0', sampleModel({ 'general.alignment': 0 }), 'damaged'],
    ['a tensor of 2^31 dimensions', tensor(text('t'), u32(2 ** 31)), 'damaged'],
    [
      'a tensor larger than any disk',
      tensor(text('t'), u32(2), u64(2 ** 60), u64(2 ** 60), u32(0), u64(0)),
      'truncated',
    ],
    ['a tensor at the end of the world', tensor(text('t'), u32(1), u64(1), u32(99), u64(2 ** 62)), 'truncated'],
  ])('refuses %s quickly', async (_, bytes, fault) => {
    const before = performance.now();
    expect(await faultOf(bytes)).toBe(fault);
    expect(performance.now() - before).toBeLessThan(2500);
  });

  it('tells a missing file, and one that is no file', async () => {
    expect(await readGguf(join(folder, 'absent.gguf'))).toMatchObject({ ok: false, fault: 'missing' });
    expect(await readGguf(folder)).toMatchObject({ ok: false, fault: 'unreadable' });
  });

  it('stops when it is cancelled', async () => {
    await writeFile(path, sampleModel());
    await expect(readGguf(path, AbortSignal.abort())).rejects.toThrow();
  });
});

function tensor(...info: Buffer[]): Buffer {
  return Buffer.concat([Buffer.from('GGUF'), u32(3), u64(1), u64(0), ...info]);
}
