// Bundles the extension and the language server into dist/. `--watch` rebuilds on change.
import { build, context } from 'esbuild';

/** @type {import('esbuild').BuildOptions} */
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  logLevel: 'warning',
  external: ['vscode', 'node-llama-cpp'],
};

/** @type {import('esbuild').BuildOptions[]} */
const bundles = [
  { ...common, entryPoints: ['extension/src/extension.ts'], outfile: 'dist/extension.cjs', format: 'cjs' },
  {
    ...common,
    entryPoints: {
      'language-server': 'language-server/src/main.ts',
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
}
