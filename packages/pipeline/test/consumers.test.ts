import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const workspace = join(import.meta.dirname, '..', '..', '..');
const docs = readFileSync(join(workspace, 'docs', 'consumers.md'), 'utf8');

/** Lines of a program between `docs` and `end`, without what they are indented by. */
function shown(file: string): string {
  const program = readFileSync(join(workspace, 'test', 'consumers', file), 'utf8');
  const lines = /^ *(?:\/\/|#) docs\n([\s\S]*?)^ *(?:\/\/|#) end$/m.exec(program)?.[1].trimEnd().split('\n') ?? [];
  const indent = Math.min(...lines.filter((line) => line !== '').map((line) => line.search(/\S/)));
  return lines.map((line) => line.slice(indent)).join('\n');
}

it.each([
  ['Python', 'python', 'python/exposures.py'],
  ['Node', 'js', 'node/exposures.mjs'],
  ['Browser', 'js', 'browser/index.html'],
  ['Rust', 'rust', 'rust/src/main.rs'],
  ['TensorFlow.js', 'js', 'tfjs/page.mjs'],
  ['The kernel in a page', 'js', 'kernel/page.mjs'],
])('docs/consumers.md shows for %s what npm run test:e2e runs', (heading, language, file) => {
  const section = docs.split(/^## /m).find((text) => text.startsWith(`${heading}\n`));
  expect(shown(file).split('\n').length).toBeGreaterThan(5);
  expect(section).toContain(`\`\`\`${language}\n${shown(file)}\n\`\`\``);
});
