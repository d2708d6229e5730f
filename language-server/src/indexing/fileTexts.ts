import { readFileSync, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { largestIndexedBytes } from '../context/indexable.ts';

export interface FileText {
  readonly text: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** Texts as they are now: of open documents, saved or not, and of files. Line ends are LF. */
export interface FileTexts {
  /** Undefined where there is no such file; a file that is too large to be indexed has an empty text. */
  read(path: string): Promise<FileText | undefined>;
  /** The same at once, for the few files of an answer: ten small files take a third of a millisecond so, and two else. */
  readNow(path: string): string | undefined;
  /** A document is open with this text; undefined once it is closed. */
  overlay(path: string, text: string | undefined): void;
  isOpen(path: string): boolean;
}

export function createFileTexts(root: string): FileTexts {
  const open = new Map<string, FileText>();
  return {
    async read(path) {
      const opened = open.get(path);
      if (opened !== undefined) return opened;
      try {
        const { size, mtimeMs } = await stat(join(root, path));
        const text = size > largestIndexedBytes ? '' : await readFile(join(root, path), 'utf8');
        return { text: withLf(text), sizeBytes: size, modifiedMs: mtimeMs };
      } catch {
        return undefined;
      }
    },
    readNow(path) {
      const opened = open.get(path);
      if (opened !== undefined) return opened.text;
      try {
        const file = join(root, path);
        return statSync(file).size > largestIndexedBytes ? '' : withLf(readFileSync(file, 'utf8'));
      } catch {
        return undefined;
      }
    },
    overlay(path, text) {
      // No file has this size: once the document is closed, the file counts as changed.
      if (text !== undefined) open.set(path, { text: withLf(text), sizeBytes: -1, modifiedMs: 0 });
      else open.delete(path);
    },
    isOpen: (path) => open.has(path),
  };
}

const withLf = (text: string): string => text.replaceAll('\r\n', '\n');
