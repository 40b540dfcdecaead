import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { METHOD_IDS, type MethodId } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { keysAt } from '../src/config/keys.js';
import { configSchema } from '../src/config/schema.js';

const root = join(import.meta.dirname, '../../..');
const pages = join(root, 'docs/methods');

interface Option {
  readonly name: string;
  /** Key of the config, or `-`. */
  readonly key: string;
  readonly default: string;
  readonly unit: string;
  readonly meaning: string;
}

/** The options that the pages list, by method. */
const documented = new Map<string, Option[]>();
for (const page of readdirSync(pages).filter((name) => name.endsWith('.md'))) {
  for (const section of readFileSync(join(pages, page), 'utf8').split('### Options of `').slice(1)) {
    const lines = section.split('\n').slice(2);
    expect(lines[0]).toBe('| option | config | default | unit | meaning |');
    const rows = lines.slice(2, lines.indexOf('', 2) < 0 ? undefined : lines.indexOf('', 2));
    const cells = rows.filter((row) => row.startsWith('|')).map((row) => row.split('|').slice(1, -1));
    documented.set(
      section.slice(0, section.indexOf('`')),
      cells.map((own) => {
        const [name, key, value, unit, meaning] = own.map((cell) => cell.trim().replaceAll('`', ''));
        return { name, key, default: value, unit, meaning };
      }),
    );
  }
}

/** Files in which a method's options are declared. */
const sources: Readonly<Record<Exclude<MethodId, 'zero'>, readonly string[]>> = {
  ols: ['linear/src/ols.ts'],
  rolling_ols: ['linear/src/rolling-ols.ts'],
  ewm_ols: ['linear/src/ewm-ols.ts'],
  wls: ['linear/src/wls.ts', 'linear/src/ols.ts'],
  ridge: ['linear/src/shrunk.ts'],
  lasso: ['linear/src/shrunk.ts'],
  elastic_net: ['linear/src/shrunk.ts'],
  pls: ['linear/src/shrunk.ts'],
  fama_macbeth: ['linear/src/ols.ts'],
  pca: ['linear/src/pca.ts'],
  var: ['linear/src/var.ts'],
  kalman: ['linear/src/kalman.ts'],
  markov: ['linear/src/markov.ts'],
  threshold: ['linear/src/threshold.ts'],
  distributed_lag: ['linear/src/distributed-lag.ts'],
  spline: ['linear/src/spline.ts'],
  lstm: ['model/src/estimator.ts'],
};

/** What the code says of an option: the comment before it, on one line. */
function commentOf(method: keyof typeof sources, name: string): string | undefined {
  for (const file of sources[method]) {
    const text = readFileSync(join(root, 'packages', file), 'utf8');
    const end = text.indexOf(`  readonly ${name}?:`);
    if (end < 0) continue;
    const start = text.lastIndexOf('/**', end);
    return text
      .slice(start, end)
      .replace(/\s*\n\s*\*?\s*/g, ' ')
      .replaceAll('`', '');
  }
  return undefined;
}

const schema = configSchema(z);

describe.each(METHOD_IDS.filter((method) => method !== 'zero'))('the page of %s', (method) => {
  const options = documented.get(method) ?? [];

  it('lists options that exist, with unit, meaning and the default that the code states', () => {
    expect(options.length).toBeGreaterThan(0);
    for (const { name, default: value, unit, meaning } of options) {
      const comment = commentOf(method, name);
      expect(comment, `${method} has no option ${name}`).toBeDefined();
      expect(comment).toContain(value);
      expect(unit).not.toBe('');
      expect(meaning).not.toBe('');
    }
  });

  it("lists every key of the config's section of that name, with its default", () => {
    const named = options.filter(({ key }) => key !== '-').map(({ key }) => key);
    // The only mode there is, said above the table.
    const keys = keysAt(schema, [method]).filter((key) => key !== 'mode');
    expect(named.sort()).toEqual(keys.map((key) => `${method}.${key}`).sort());
    const minimal = { factors: [{ file: 'f' }], assets: [{ file: 'a' }], output: 'o', [method]: {} };
    const parsed: Readonly<Record<string, unknown>> = keys.length > 0 ? schema.parse(minimal) : {};
    const defaults = (parsed[method] ?? {}) as Readonly<Record<string, unknown>>;
    for (const { key, default: value } of options.filter((own) => own.key !== '-')) {
      const stated = defaults[key.slice(method.length + 1)];
      // Without a default in the schema the estimator's own holds, which the test above compares.
      if (stated !== undefined) expect(String(stated)).toBe(value);
    }
  });
});

it('the overview links every method to a page that has its options and says when to use it', () => {
  const overview = readFileSync(join(pages, 'README.md'), 'utf8');
  for (const method of METHOD_IDS) {
    const row = overview.split('\n').find((line) => line.split('|')[2]?.includes(`\`${method}\``));
    const links = [...(row ?? '').matchAll(/\]\((\w+\.md)\)/g)].map((match) => match[1]);
    expect(links, method).not.toEqual([]);
    if (method === 'zero') continue;
    const page = links.find((link) => readFileSync(join(pages, link), 'utf8').includes(`### Options of \`${method}\``));
    expect(page, method).toBeDefined();
    expect(readFileSync(join(pages, page!), 'utf8')).toContain('## When to use');
  }
});
