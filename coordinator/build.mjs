// Bundles the coordinator into dist/coordinator.mjs, for its container.
import { build } from 'esbuild';

await build({
  entryPoints: ['coordinator/src/main.ts'],
  outfile: 'dist/coordinator.mjs',
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  sourcemap: true,
  logLevel: 'warning',
  // CommonJS dependencies inside an ES module need a require.
  banner: {
    js: "import { createRequire as argotCreateRequire } from 'node:module'; const require = argotCreateRequire(import.meta.url);",
  },
});
