/**
 * Bundles the page's script and style sheet (src/client) into dist/client, each one file that is inlined into a report.
 * tsc has built the package before; here the client's own project, which sees the browser's types, is checked first.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const here = import.meta.dirname;
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));

const check = spawnSync(process.execPath, [join(typescript, 'bin', 'tsc'), '-b', join(here, 'src', 'client')], {
  stdio: 'inherit',
});
// tsc has said what is wrong.
if (check.status !== 0) process.exit(check.status ?? 1);

await build({
  entryPoints: ['main.ts', 'style.css'].map((file) => ({ in: join(here, 'src', 'client', file), out: 'client' })),
  outdir: join(here, 'dist', 'client'),
  bundle: true,
  minify: true,
  format: 'iife',
  target: ['es2022'],
  charset: 'utf8',
  legalComments: 'inline',
  define: { 'process.env.NODE_ENV': '"production"', __DEV__: 'false' },
  logLevel: 'warning',
});
