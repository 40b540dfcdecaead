import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LinearParameters, Panel } from '@macrograd/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultEstimators, loadConfig } from '../src/index.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const data = process.env.MACROGRAD_DATA;
/** Methods that regress on factors and controls at once. */
const methods = ['ols', 'rolling_ols', 'ewm_ols', 'wls', 'ridge', 'lasso', 'elastic_net', 'pls', 'fama_macbeth'];

/** Coefficients of every method at the last row of the panel, by series name: [asset]. */
async function coefficientsOf(panel: Panel, names: readonly string[]) {
  const span = { start: 0, end: panel.axis.dates.length };
  const out = new Map<string, Map<string, number[]>>();
  for (const estimator of defaultEstimators(names)) {
    const fit = await estimator.fit(panel, span, { seed: 1 });
    const { columns, coefficients } = fit.parameters() as LinearParameters;
    const of = (at: number) => panel.assets.map((_, asset) => coefficients[asset * columns.length + at]);
    out.set(estimator.method, new Map(columns.map((column, at) => [panel.inputs.factors[column].name, of(at)])));
  }
  return out;
}

describe('the example with the factors of Fama and French', () => {
  it('has every control in every regression, no exposure to it, and industries that move with the market', async () => {
    const { panel } = await loadConfig(join(root, 'docs/examples/fama-french.yaml'));
    const controls = panel.inputs.factors.filter(({ role }) => role === 'control').map(({ name }) => name);
    expect(controls).toEqual(['MKT', 'SMB', 'HML', 'MOM']);
    const found = await coefficientsOf(panel, methods);
    for (const method of methods) {
      for (const control of controls) {
        const own = found.get(method)?.get(control);
        expect(
          own?.every((value) => Number.isFinite(value) && value !== 0),
          `${method}, ${control}`,
        ).toBe(true);
      }
    }
    // A month's market SD is some 4.4 %: coefficients of 1 per unit lie near .044 per SD.
    const market = [...(found.get('ols')?.get('MKT') ?? [])];
    const mean = market.reduce((sum, value) => sum + value, 0) / market.length;
    expect(mean).toBeGreaterThan(0.035);
    expect(mean).toBeLessThan(0.053);
  });
});

describe.skipIf(data === undefined)('49 industries on five factors, momentum and macro', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'macrograd-french-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('explain most of an industry by the controls and little by macro beside them', async () => {
    const sample = join(root, 'packages/data/sample');
    const control = (column: string) => `{ column: '${column}', transform: none, role: control }`;
    const config = join(folder, 'config.yaml');
    writeFileSync(
      config,
      `factors:
  - file: ${data}/french/F-F_Research_Data_5_Factors_2x3.csv
    format: french
    series: { MKT: ${control('Mkt-RF')}, SMB: ${control('SMB')}, HML: ${control('HML')}, RMW: ${control('RMW')}, CMA: ${control('CMA')} }
  - file: ${sample}/french_factors.csv
    series: { MOM: ${control('MOM')} }
  - file: ${sample}/macro.csv
    series: { INFL: { column: CPIAUCSL, transform: yoy_diff }, RATE10: { column: GS10, transform: diff } }
assets: [{ file: ${data}/french/49_Industry_Portfolios.csv, format: french, unit: percent, return: excess }]
span: { start: 1963-07, end: 2017-03 }
output: out
`,
    );
    const { panel } = await loadConfig(config);
    expect(panel.assets).toHaveLength(49);
    const span = { start: 0, end: panel.axis.dates.length };
    const [ols] = defaultEstimators(['ols']);
    const fit = await ols.fit(panel, span, { seed: 1 });
    const { values } = await fit.predict(panel.inputs, span);
    let [left, all] = [0, 0];
    values.forEach((value, at) => {
      const own = panel.returns[at];
      if (Number.isNaN(own)) return;
      left += (own - value) ** 2;
      all += own ** 2;
    });
    // Fama and French (1997) report .4 to .9 by industry for three factors.
    expect(1 - left / all).toBeGreaterThan(0.5);
    const { columns, coefficients } = fit.parameters() as LinearParameters;
    const place = columns.indexOf(panel.inputs.factors.findIndex(({ name }) => name === 'MKT'));
    const market = panel.assets.map((_, asset) => coefficients[asset * columns.length + place]);
    expect(Math.min(...market)).toBeGreaterThan(0.01);
  });
});
