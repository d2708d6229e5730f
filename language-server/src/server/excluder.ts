import picomatch from 'picomatch';
import { URI } from 'vscode-uri';

/** Whether a document matches one of the patterns of `argot.exclude`. */
export function createExcluder(patterns: readonly string[]): (uri: string) => boolean {
  if (patterns.length === 0) return () => false;
  const matches = picomatch([...patterns], { dot: true });
  return (uri) => matches(URI.parse(uri).path.replace(/^\//, ''));
}
