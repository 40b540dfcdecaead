/** Builds the native addon in release mode into packages/kernel/binding (addon, loader and its types). */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const workspace = join(import.meta.dirname, '..', '..');
const binding = join(workspace, 'packages', 'kernel', 'binding');
mkdirSync(binding, { recursive: true });
execFileSync(
  join(workspace, 'node_modules', '.bin', 'napi'),
  [
    'build',
    '--platform',
    '--release',
    '--esm',
    '--manifest-path',
    join(workspace, 'native', 'crates', 'node', 'Cargo.toml'),
    '--package-json-path',
    join(workspace, 'packages', 'kernel', 'package.json'),
    '--output-dir',
    binding,
    '--js',
    'index.js',
    '--dts',
    'index.d.ts',
  ],
  { cwd: join(workspace, 'native', 'crates', 'node'), stdio: 'inherit' },
);
