type Files = typeof import('node:fs/promises');

/** What writes to the disk is counted from 0, and fails where the test says so. */
export const disk = { writes: 0, code: 'ENOSPC', fails: (_write: number): boolean => false };

/**
 * For `vi.mock('node:fs/promises', …)`: writes and syncs can fail, and so can removals where the disk is worse than full.
 * Nothing is really synced, since no power is cut.
 */
export function failingDisk(real: Files): Files {
  const writing =
    <A extends unknown[], R>(work: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      if (!disk.fails(disk.writes++)) return work(...args);
      throw Object.assign(new Error(`${disk.code}: made to fail`), { code: disk.code });
    };
  return {
    ...real,
    mkdir: writing(real.mkdir) as Files['mkdir'],
    rename: writing(real.rename),
    copyFile: writing(real.copyFile),
    writeFile: writing(real.writeFile),
    rm: (path, options) => (disk.code === 'ENOSPC' ? real.rm(path, options) : writing(real.rm)(path, options)),
    async open(path, flags, mode) {
      const make = () => real.open(path, flags, mode);
      if (flags === 'r') return make();
      const handle = await writing(make)();
      handle.writeFile = writing(handle.writeFile.bind(handle));
      handle.sync = writing(async () => undefined);
      return handle;
    },
  };
}
