import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const workspace = import.meta.dirname;
const rootFlag = process.argv.indexOf('--root');
const project = rootFlag < 0 ? '.' : process.argv[rootFlag + 1];
const { name } = JSON.parse(readFileSync(join(workspace, project, 'package.json'), 'utf8'));

const variant = process.env.MACROGRAD_KERNEL ? `-${process.env.MACROGRAD_KERNEL}` : '';

/** One configuration for every package: its own test/ folder, one JSON result file that the counts are summed from. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    reporters: ['default', 'json'],
    outputFile: { json: join(workspace, 'test-results', `${name.replace('@', '').replace('/', '-')}${variant}.json`) },
  },
});
