import { describe, expect, it } from 'vitest';
import { fits, machineMemory } from './hardware.ts';

const meminfo = 'MemTotal:       16384 kB\nMemFree:         1024 kB\nMemAvailable:    8192 kB\n';

async function linux(files: Record<string, string>) {
  return machineMemory('linux', async (path) => ({ '/proc/meminfo': meminfo, ...files })[path]);
}

describe('machineMemory', () => {
  it('takes what Linux says is available', async () => {
    expect(await linux({})).toEqual({ totalBytes: 16_384 * 1024, availableBytes: 8192 * 1024 });
  });

  it('heeds the limit of a parent control group, not counting cache that the kernel gives back', async () => {
    const memory = await linux({
      '/proc/self/cgroup': '0::/user/session',
      '/sys/fs/cgroup/user/session/memory.max': 'max\n',
      '/sys/fs/cgroup/user/session/memory.current': '100\n',
      '/sys/fs/cgroup/user/memory.max': '4000000\n',
      '/sys/fs/cgroup/user/memory.current': '3000000\n',
      '/sys/fs/cgroup/user/memory.stat': 'anon 1\ninactive_file 500000\nactive_file 9\n',
    });
    expect(memory).toEqual({ totalBytes: 4_000_000, availableBytes: 1_500_000 });
  });

  it('reads version 1 groups and their word for no limit', async () => {
    const files = {
      '/proc/self/cgroup': '4:cpu,memory:/box\n0::/\n',
      '/sys/fs/cgroup/memory/box/memory.limit_in_bytes': '2000000\n',
      '/sys/fs/cgroup/memory/box/memory.usage_in_bytes': '500000\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
      '/sys/fs/cgroup/memory/memory.usage_in_bytes': '1\n',
    };
    expect(await linux(files)).toEqual({ totalBytes: 2_000_000, availableBytes: 1_500_000 });
  });

  it('gives a plausible answer on this machine', async () => {
    const memory = await machineMemory();
    expect(memory.availableBytes).toBeGreaterThan(1e6);
    expect(memory.totalBytes).toBeGreaterThanOrEqual(memory.availableBytes);
  });

  it('does not take macOS by its word that nearly nothing is free', async () => {
    const memory = await machineMemory('darwin');
    expect(memory.availableBytes).toBeGreaterThanOrEqual(memory.totalBytes / 2);
  });
});

describe('fits', () => {
  const memory = { totalBytes: 8e9, availableBytes: 4e9 };
  it('keeps a reserve for the rest of the machine', () => {
    expect(fits(3.5e9, memory)).toBe(true);
    expect(fits(3.7e9, memory)).toBe(false);
  });
  it('counts what the model in use would give back', () => {
    expect(fits(3.7e9, memory, 1e9)).toBe(true);
  });
});
