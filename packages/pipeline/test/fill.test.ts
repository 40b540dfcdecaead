import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatIsoDate, monthEndOfIndex, Random } from '@macrograd/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, parseConfig, readConfig, run } from '../src/index.js';

const MONTHS = 240;
const random = new Random(8);
const steps = Array.from({ length: MONTHS }, () => 0.002 + 0.006 * random.normal());
const production = steps.map((_, t) => 100 * Math.exp(steps.slice(0, t + 1).reduce((a, b) => a + b)));
/** The monthly series of which the files hold quarters alone. */
const output = production.map((x) => 40 + 0.6 * x + 0.05 * random.normal());

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'macrograd-fill-'));
  const dates = Array.from({ length: MONTHS }, (_, t) => formatIsoDate(monthEndOfIndex(t)));
  const write = (name: string, rows: readonly string[]) => writeFileSync(join(folder, name), `${rows.join('\n')}\n`);
  write('ip.csv', ['date,IP', ...dates.map((day, t) => `${day},${production[t]}`)]);
  const quarters = dates.flatMap((day, t) => {
    const mean = (output[t] + output[t - 1] + output[t - 2]) / 3;
    return t % 3 === 2 ? [`${day},${mean}`] : [];
  });
  write('gdp.csv', ['date,GDP', ...quarters]);
  write('returns.csv', ['date,A', ...dates.map((day) => `${day},${0.03 * random.normal()}`)]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const text = (fill: string, timing = 'reference') => `timing: ${timing}
horizon: 0
factors:
  - { file: ip.csv, series: { IP: { column: IP, transform: dlog } } }
  - file: gdp.csv
    series:
      GDP: { column: GDP, transform: dlog${fill} }
assets:
  - { file: returns.csv, unit: decimal, return: excess }
methods: [zero, ols]
output: out
`;

function write(name: string, fill: string, timing?: string): string {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, text(fill, timing));
  return file;
}

/** Correlation of the panel's GDP with the growth of the months behind it. */
async function correlation(name: string, fill: string): Promise<{ correlation: number; transform: string }> {
  const { panel } = await loadConfig(write(name, fill));
  const growth = (t: number) => 100 * Math.log(output[t] / output[t - 1]);
  const pairs = Array.from(panel.axis.dates, (date, row) => {
    const t = Array.from({ length: MONTHS }, (_, month) => monthEndOfIndex(month)).indexOf(date);
    return [panel.inputs.values[2 * row + 1], growth(t)];
  }).filter(([filled, true_]) => !Number.isNaN(filled + true_));
  const mean = (i: number) => pairs.reduce((sum, pair) => sum + pair[i], 0) / pairs.length;
  const [mx, my] = [mean(0), mean(1)];
  const sum = (f: (x: number, y: number) => number) => pairs.reduce((s, [x, y]) => s + f(x - mx, y - my), 0);
  const r = sum((x, y) => x * y) / Math.sqrt(sum((x) => x * x) * sum((_, y) => y * y));
  return { correlation: r, transform: panel.inputs.factors[1].transform };
}

describe('fill', () => {
  it('Chow-Lin finds the months behind the quarters by their indicator, the filter nearly so, and carrying does not', async () => {
    const carried = await correlation('last', ', fill: { method: last }');
    const chowLin = await correlation('chow', ', fill: { method: chow_lin, indicator: IP }');
    const filter = await correlation('filter', ', fill: { method: kalman, indicator: IP }');
    const smoother = await correlation('smoother', ', fill: { method: kalman, indicator: IP, reading: smoother }');
    expect(carried.correlation).toBeLessThan(0.6);
    expect(chowLin.correlation).toBeGreaterThan(0.97);
    expect(smoother.correlation).toBeGreaterThan(0.97);
    expect(filter.correlation).toBeGreaterThan(0.95);
    expect([carried, chowLin, filter, smoother].map(({ transform }) => transform)).toEqual([
      'dlog',
      'fill by Chow-Lin on IP (two-sided), dlog',
      'fill by Kalman filter on IP, dlog',
      'fill by Kalman smoother on IP (two-sided), dlog',
    ]);
  });

  it('in logarithms a path that grows at one rate keeps it to the last month; around a straight line it falls behind', async () => {
    // Not quite at one rate: a constant series would be left out.
    const steady = Array.from({ length: MONTHS }, (_, t) => 100 * Math.exp(0.005 * t + 2e-4 * Math.sin(t)));
    const rows = steady.flatMap((x, t) => {
      const mean = (x + steady[t - 1] + steady[t - 2]) / 3;
      return t % 3 === 2 ? [`${formatIsoDate(monthEndOfIndex(t))},${mean}`] : [];
    });
    writeFileSync(join(folder, 'steady.csv'), `date,GDP\n${rows.join('\n')}\n`);
    const last = async (log: boolean) => {
      const file = write(`steady-${log}`, `, fill: { method: kalman, log: ${log} }`);
      writeFileSync(file, readFileSync(file, 'utf8').replace('gdp.csv', 'steady.csv'));
      const { panel } = await loadConfig(file);
      return panel.inputs.values.at(-1) ?? Number.NaN;
    };
    // .5 log-% a month, within .05: twice what the waves of .02 log-% move.
    expect(await last(true)).toBeCloseTo(0.5, 1);
    expect(await last(false)).toBeLessThan(0.45);
  });

  it('stands in run.json as it was written and in the factors of the report', async () => {
    const { dir } = await run(
      await readConfig(write('named', ', fill: { method: kalman, indicator: IP }', 'available')),
    );
    const { config } = JSON.parse(readFileSync(join(dir, 'run.json'), 'utf8'));
    expect(config.factors[1].series.GDP.fill).toMatchObject({ method: 'kalman', indicator: 'IP', reading: 'filter' });
    expect(readFileSync(join(dir, 'report', 'index.html'), 'utf8')).toContain('fill by Kalman filter on IP, dlog');
  }, 60_000);

  it.each([
    [
      'a two-sided fill under available',
      ', fill: { method: chow_lin, indicator: IP }',
      'available',
      ':7:60: the fill of GDP is two-sided',
    ],
    [
      'a smoother under available',
      ', fill: { method: kalman, reading: smoother }',
      'available',
      ':7:77: the fill of GDP is two-sided',
    ],
    [
      'an indicator that is no series',
      ', fill: { method: kalman, indicator: IPX }',
      'reference',
      ':7:79: the fill of GDP follows "IPX", which is no other series of the config; take one of IP',
    ],
    [
      'an indicator of what is carried',
      ', fill: { method: last, indicator: IP }',
      'reference',
      ':7:77: the fill of GDP carries its last value',
    ],
    [
      'an unknown key',
      ', fill: { method: kalman, indicators: IP }',
      'reference',
      ':7:68: unknown key "indicators" in factors[1].series.GDP.fill; did you mean "indicator"?',
    ],
  ])('%s is refused with line and column', async (_, fill, timing, message) => {
    await expect(parseConfig(text(fill, timing), 'config.yaml')).rejects.toThrow(message);
  });
});
