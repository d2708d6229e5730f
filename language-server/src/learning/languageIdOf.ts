const byExtension: Readonly<Record<string, string>> = {
  cjs: 'javascript',
  mjs: 'javascript',
  js: 'javascript',
  jsx: 'javascriptreact',
  cts: 'typescript',
  mts: 'typescript',
  ts: 'typescript',
  tsx: 'typescriptreact',
  py: 'python',
  pyi: 'python',
  rb: 'ruby',
  rs: 'rust',
  kt: 'kotlin',
  kts: 'kotlin',
  cs: 'csharp',
  h: 'c',
  cc: 'cpp',
  cxx: 'cpp',
  hh: 'cpp',
  hpp: 'cpp',
  m: 'objective-c',
  mm: 'objective-cpp',
  sh: 'shellscript',
  bash: 'shellscript',
  zsh: 'shellscript',
  ps1: 'powershell',
  psm1: 'powershell',
  pl: 'perl',
  ex: 'elixir',
  exs: 'elixir',
  hs: 'haskell',
  clj: 'clojure',
  jl: 'julia',
  tf: 'terraform',
};

/** The editor's usual language id of a file that it has not opened; most are the extension itself. */
export function languageIdOf(path: string): string {
  const extension = path.slice(path.lastIndexOf('.') + 1).toLowerCase();
  return byExtension[extension] ?? extension;
}
