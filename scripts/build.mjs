// Bundles the extension and the language server into dist/. `--watch` rebuilds on change.
import { writeFile } from 'node:fs/promises';
import { build, context } from 'esbuild';

/** @type {import('esbuild').BuildOptions} */
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  logLevel: 'warning',
  metafile: true,
  external: ['vscode', 'node-llama-cpp', '@vscode/tree-sitter-wasm'],
};

/** @type {import('esbuild').BuildOptions[]} */
const bundles = [
  {
    ...common,
    platform: 'browser',
    target: 'chrome120',
    external: [],
    entryPoints: ['webview/src/dashboard.ts', 'webview/src/dashboard.css'],
    outdir: 'dist/webview',
    format: 'esm',
  },
  { ...common, entryPoints: ['extension/src/extension.ts'], outfile: 'dist/extension.cjs', format: 'cjs' },
  {
    ...common,
    entryPoints: {
      'language-server': 'language-server/src/main.ts',
      'index-process': 'language-server/src/indexing/indexProcess.ts',
      'models-cli': 'language-server/src/engine/cli.ts',
    },
    outdir: 'dist',
    outExtension: { '.js': '.mjs' },
    format: 'esm',
    // CommonJS dependencies inside an ES module need a require.
    banner: {
      js: "import { createRequire as argotCreateRequire } from 'node:module'; const require = argotCreateRequire(import.meta.url);",
    },
  },
];

if (process.argv.includes('--watch')) {
  for (const bundle of bundles) await (await context(bundle)).watch();
} else {
  // esbuild has printed each error with its place; a stack of its own would only hide them.
  const results = await Promise.allSettled(bundles.map((bundle) => build(bundle)));
  if (results.some(({ status }) => status === 'rejected')) process.exitCode = 1;
  else await writeFile('dist/bundled.json', JSON.stringify(packagesIn(results)));
}

/**
 * The places in node_modules whose code is in the bundles: their licences are shipped with them.
 *
 * @param {readonly PromiseSettledResult<import('esbuild').BuildResult>[]} results
 */
function packagesIn(results) {
  const inputs = results.flatMap((each) =>
    each.status === 'fulfilled' ? Object.keys(each.value.metafile?.inputs ?? {}) : [],
  );
  const places = inputs.flatMap((input) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []);
  return [...new Set(places)].sort();
}
