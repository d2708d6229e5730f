/** Why a file is not indexed. */
export type NotIndexed = 'language' | 'folder' | 'generated' | 'minified' | 'large' | 'binary' | 'secret';

export const largestIndexedBytes = 256 * 1024;

const extensions =
  /\.(?:[cm]?[jt]sx?|py|pyi|rb|go|rs|java|kt|kts|scala|cs|php|c|h|cc|cpp|cxx|hh|hpp|m|mm|swift|lua|sh|bash|zsh|ps1|psm1|pl|pm|r|jl|dart|ex|exs|erl|hs|ml|mli|clj|vue|svelte|sql|proto|graphql|tf|zig|nim|groovy|gradle|css|scss|less)$/i;
/** What tools write; a repository that keeps its sources in such a folder loses little. */
const madeFolders =
  /(?:^|\/)(?:node_modules|bower_components|vendor|third[-_]party|dist|build|out|target|coverage|site-packages|__pycache__|venv|obj|bin|\.[^/]+)\//i;
const madeNames =
  /\.min\.|[.-](?:bundle|prod|iife|umd)\.[cm]?js$|\.pb\.\w+$|_pb2(?:_grpc)?\.py$|\.g\.dart$|\.designer\.cs$/i;
const generatedMark =
  /@generated\b|\bdo not (?:edit|modify)\b|\bauto-?generated\b|\bgenerated (?:by|from|with|automatically)\b|\bcode generated\b/i;
const longestLine = 1000;

/** Judges by the path alone, relative to the workspace folder, so that most of a tree costs no read. */
export function rejectPath(path: string): NotIndexed | undefined {
  if (madeFolders.test(path)) return 'folder';
  if (!extensions.test(path)) return 'language';
  return madeNames.test(path) ? 'generated' : undefined;
}

export function rejectText(text: string): NotIndexed | undefined {
  if (text.length > largestIndexedBytes) return 'large';
  if (/[\0\uFFFD]/.test(text)) return 'binary';
  if (generatedMark.test(text.slice(0, 1000))) return 'generated';
  return text.split('\n', 4000).some((line) => line.length > longestLine) ? 'minified' : undefined;
}
