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

/** The interface that declares a method's options. */
const interfaces: Readonly<Record<Exclude<MethodId, 'zero'>, string>> = {
  ols: 'OlsEstimatorOptions',
  rolling_ols: 'RollingOlsEstimatorOptions',
  ewm_ols: 'EwmOlsEstimatorOptions',
  wls: 'WlsEstimatorOptions',
  ridge: 'RidgeEstimatorOptions',
  lasso: 'ShrunkOptions',
  elastic_net: 'ElasticNetEstimatorOptions',
  pls: 'PlsEstimatorOptions',
  fama_macbeth: 'FamaMacBethEstimatorOptions',
  pca: 'PcaEstimatorOptions',
  var: 'VarEstimatorOptions',
  kalman: 'KalmanEstimatorOptions',
  markov: 'MarkovEstimatorOptions',
  threshold: 'ThresholdEstimatorOptions',
  distributed_lag: 'DistributedLagEstimatorOptions',
  spline: 'SplineEstimatorOptions',
  lstm: 'LstmEstimatorOptions',
};

const code = ['linear', 'model']
  .flatMap((name) => {
    const folder = join(root, 'packages', name, 'src');
    return readdirSync(folder)
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(folder, file), 'utf8'));
  })
  .join('\n');

/** Options of an interface and of those it extends, with what the code says of each, on one line. */
function declared(name: string): Map<string, string> {
  const alias = new RegExp(`export type ${name} = (\\w+);`).exec(code);
  if (alias) return declared(alias[1]);
  const [, , parents = '', body] = new RegExp(
    `export interface ${name}( extends ([\\w, ]+))? \\{\\n(.*?)\\n\\}`,
    's',
  ).exec(code)!;
  const own = new Map<string, string>();
  for (const parent of parents.split(', ').filter(Boolean)) {
    for (const [option, comment] of declared(parent)) own.set(option, comment);
  }
  // A comment may stand before several options.
  for (const part of body.split(/(?=\/\*\*)/)) {
    const comment = part
      .slice(0, part.indexOf('*/'))
      .replace(/\s*\n\s*\*?\s*/g, ' ')
      .replaceAll('`', '');
    for (const [, option] of part.matchAll(/^ {2}readonly (\w+)\?:/gm)) {
      own.set(option, `${comment} ${own.get(option) ?? ''}`);
    }
  }
  return own;
}

const schema = configSchema(z);

describe.each(METHOD_IDS.filter((method) => method !== 'zero'))('the page of %s', (method) => {
  const options = documented.get(method) ?? [];

  it('lists options that exist, with unit, meaning and the default that the code states', () => {
    expect(options.length).toBeGreaterThan(0);
    const comments = declared(interfaces[method]);
    for (const { name, default: value, unit, meaning } of options) {
      const comment = comments.get(name);
      expect(comment, `${method} has no option ${name}`).toBeDefined();
      expect(comment).toContain(value);
      expect(unit).not.toBe('');
      expect(meaning).not.toBe('');
    }
  });

  it("lists every key of the config's section of that name, with its default", () => {
    const named = options.filter(({ key }) => key !== '-').map(({ key }) => key);
    const keys = keysAt(schema, [method]);
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
