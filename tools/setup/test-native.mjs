/** Runs the Rust tests and writes their counts where tools/setup/count-tests.mjs sums them up. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const workspace = join(import.meta.dirname, '..', '..');
const result = spawnSync(
  'cargo',
  ['test', '--profile', 'quick', '--workspace', '--manifest-path', 'native/Cargo.toml'],
  {
    cwd: workspace,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
process.stdout.write(result.stdout);
const counts = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0 };
for (const [, passed, failed, ignored] of result.stdout.matchAll(
  /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/gm,
)) {
  counts.numPassedTests += Number(passed);
  counts.numFailedTests += Number(failed);
  counts.numPendingTests += Number(ignored);
}
mkdirSync(join(workspace, 'test-results'), { recursive: true });
writeFileSync(join(workspace, 'test-results', 'native.json'), `${JSON.stringify(counts)}\n`);
process.exit(result.status ?? 1);
