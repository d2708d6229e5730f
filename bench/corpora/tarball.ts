import { gunzipSync } from 'node:zlib';

export interface TarFile {
  /** Below the package's own folder. */
  readonly path: string;
  readonly data: Buffer;
}

const block = 512;

/** The regular files of an npm package (ustar with pax or GNU long names), in memory: nothing is unpacked or linked. */
export function readTarball(gzipped: Buffer): TarFile[] {
  const tar = gunzipSync(gzipped);
  const text = (at: number, length: number): string => {
    const field = tar.subarray(at, at + length);
    const end = field.indexOf(0);
    return field.toString('utf8', 0, end < 0 ? length : end);
  };
  const files: TarFile[] = [];
  let longPath = '';
  for (let at = 0; at + block <= tar.length && tar[at] !== 0; ) {
    const size = Number.parseInt(text(at + 124, 12), 8) || 0;
    const type = text(at + 156, 1);
    const data = tar.subarray(at + block, at + block + size);
    const folder = text(at + 257, 5) === 'ustar' ? text(at + 345, 155) : '';
    if (type === 'x') longPath = /(?:^|\n)\d+ path=([^\n]*)\n/.exec(data.toString())?.[1] ?? '';
    else if (type === 'L') longPath = data.toString().replace(/\0.*$/s, '');
    else {
      const path = longPath || (folder === '' ? text(at, 100) : `${folder}/${text(at, 100)}`);
      if (type === '' || type === '0') files.push({ path: path.replace(/^[^/]*\//, ''), data });
      longPath = '';
    }
    at += block * (1 + Math.ceil(size / block));
  }
  return files;
}
