import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cacheFolder, installOnce } from './cache.mjs';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'argot-cache-'));
  vi.stubEnv('XDG_CACHE_HOME', folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

describe('an installation in the cache', () => {
  it('appears under its name only when it is complete', async () => {
    const target = path.join(cacheFolder(), 'tool-1');
    await installOnce('tool-1', async (staging) => {
      writeFileSync(path.join(staging, 'file'), 'whole');
      expect(existsSync(target)).toBe(false);
    });
    expect(readFileSync(path.join(target, 'file'), 'utf8')).toBe('whole');
    expect(readdirSync(cacheFolder())).toEqual(['tool-1']);
  });

  it('leaves nothing behind when it fails', async () => {
    const failing = installOnce('tool-1', async (staging) => {
      writeFileSync(path.join(staging, 'file'), 'half');
      throw new Error('the network went away');
    });
    await expect(failing).rejects.toThrow('the network went away');
    expect(readdirSync(cacheFolder())).toEqual([]);
  });

  it('keeps the one that another set-up finished first', async () => {
    await installOnce('tool-1', async (slow) => {
      writeFileSync(path.join(slow, 'file'), 'slow');
      await installOnce('tool-1', async (quick) => writeFileSync(path.join(quick, 'file'), 'quick'));
    });
    expect(readFileSync(path.join(cacheFolder(), 'tool-1', 'file'), 'utf8')).toBe('quick');
    expect(readdirSync(cacheFolder())).toEqual(['tool-1']);
  });

  it('says what to do where the cache cannot be written', async () => {
    writeFileSync(path.join(folder, 'argot-dev'), 'a file where a folder should be');
    await expect(installOnce('tool-1', async () => {})).rejects.toThrow('set XDG_CACHE_HOME to a folder that can');
  });
});

it('lies in the user’s home where no cache folder is named, and ignores a relative name', () => {
  vi.stubEnv('XDG_CACHE_HOME', 'relative');
  expect(path.isAbsolute(cacheFolder())).toBe(true);
  expect(cacheFolder()).toMatch(/argot-dev$/);
});
