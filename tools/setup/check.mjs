/**
 * `npm run check`: everything that reads the code without running it. Every step runs, so that one call shows all
 * that is wrong; the exit code is 1 if any failed.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const workspace = join(import.meta.dirname, '..', '..');
const bin = (name) => join(workspace, 'node_modules', '.bin', name);
const cargo = (verb, ...args) => ['cargo', [verb, '--manifest-path', 'native/Cargo.toml', ...args]];

const steps = [
  ['format and lint (biome)', bin('biome'), ['check', '--error-on-warnings', '.']],
  ['build', bin('nx'), ['run-many', '-t', 'build', '--output-style=static']],
  ['types of tests and tools', bin('tsc'), ['-p', 'tsconfig.test.json']],
  ['import rules', process.execPath, ['tools/setup/check-layers.mjs']],
  ['spelling (cspell)', bin('cspell'), ['lint', '--no-progress', '--no-summary', '--dot', '.']],
  ['unused code and dependencies (knip)', bin('knip'), []],
  ...readdirSync(join(workspace, 'packages')).map((name) => [
    `packaging of ${name} (publint)`,
    bin('publint'),
    [join('packages', name), '--strict', '--level', 'warning'],
  ]),
  ['rust format', ...cargo('fmt', '--all', '--check')],
  [
    'rust lint (clippy)',
    ...cargo('clippy', '--release', '--workspace', '--lib', '--tests', '--examples', '--', '-D', 'warnings'),
  ],
  ['rust documentation', ...cargo('doc', '--release', '--workspace', '--no-deps')],
];

const failed = [];
for (const [title, command, args] of steps) {
  const result = spawnSync(command, args, {
    cwd: workspace,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, NX_NO_CLOUD: 'true', NX_DAEMON: 'false', RUSTDOCFLAGS: '-D warnings' },
  });
  const ok = result.status === 0;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${title}`);
  if (!ok) {
    failed.push(title);
    console.log(`${result.stdout ?? ''}${result.stderr ?? ''}${result.error?.message ?? ''}`);
  }
}
console.log(`${steps.length - failed.length} checks passed, ${failed.length} failed`);
process.exit(failed.length === 0 ? 0 : 1);
