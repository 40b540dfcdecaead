import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { formatIsoDate, type Panel, Random } from '@macrograd/core';
import { describe, expect, test } from 'vitest';
import { buildPanel, type PanelSpec } from '../src/index.js';
import { file, monthEnds } from './files.js';
import { sampleSpec } from './sampleSpec.js';

/** Last day whose values are left alone; chosen inside a quarter and before all kinds of series end. */
const CUT = '2010-05-31';

/** The sample job on copies of its files in which every row after the cut was edited. */
function edited(spec: PanelSpec, edit: (row: string) => string | undefined): PanelSpec {
  const copies = new Map<string, string>();
  const copy = (path: string) => {
    const known = copies.get(path) ?? file(editedText(path, edit), basename(path));
    copies.set(path, known);
    return known;
  };
  return {
    ...spec,
    factors: spec.factors.map((factors) => ({ ...factors, file: copy(factors.file) })),
    assets: spec.assets.map((assets) => {
      const { riskFree } = assets;
      const own = riskFree?.file === undefined ? riskFree : { ...riskFree, file: copy(riskFree.file) };
      return { ...assets, file: copy(assets.file), ...(own ? { riskFree: own } : {}) };
    }),
  };
}

function editedText(path: string, edit: (row: string) => string | undefined): string {
  const [header, ...rows] = readFileSync(path, 'utf8').trim().split('\n');
  const kept = rows.map((row) => (row.slice(0, CUT.length) > CUT ? edit(row) : row));
  return [header, ...kept.filter((row) => row !== undefined)].join('\n');
}

/** Every value of a row after its date, changed but positive where it was. */
function changed(row: string): string {
  const [date, ...cells] = row.split(',');
  return [date, ...cells.map((cell) => (cell === '' ? '' : String(Number(cell) * 3 + 0.1)))].join(',');
}

function past(panel: Panel, rows: number): { factors: Float64Array; returns: Float64Array } {
  return {
    factors: panel.inputs.values.slice(0, rows * panel.inputs.factors.length),
    returns: panel.returns.slice(0, rows * panel.assets.length),
  };
}

const rowsUpToCut = (2010 - 1960) * 12 + 5;

test.each(['reference', 'available'] as const)(
  '%s: a changed or absent future leaves every earlier bit',
  async (timing) => {
    const spec = { ...sampleSpec, timing, horizon: 0 };
    const original = (await buildPanel(spec)).panel;
    const other = (await buildPanel(edited(spec, changed))).panel;
    const short = (await buildPanel(edited(spec, () => undefined))).panel;
    const wanted = past(original, rowsUpToCut);
    expect(wanted.factors.some((value) => !Number.isNaN(value))).toBe(true);
    expect(past(other, rowsUpToCut)).toEqual(wanted);
    expect(past(short, rowsUpToCut)).toEqual(wanted);
    expect(past(other, rowsUpToCut + 1)).not.toEqual(past(original, rowsUpToCut + 1));
  },
);

test('available: a factor of release lag n is blind to the n periods before its row', async () => {
  const lagged = sampleSpec.factors
    .flatMap(({ series }) => Object.values(series))
    .filter((one) => one.releaseLag === 1);
  expect(lagged.length).toBeGreaterThan(4);
  const spec = { ...sampleSpec, timing: 'available', horizon: 0 } as const;
  const original = (await buildPanel(spec)).panel;
  const other = (await buildPanel(edited(spec, changed))).panel;
  original.inputs.factors.forEach(({ releaseLag }, j) => {
    const at = (panel: Panel) => panel.inputs.values[rowsUpToCut * panel.inputs.factors.length + j];
    if (releaseLag > 0) expect(at(other)).toBe(at(original));
    else expect(at(other)).not.toBe(at(original));
  });
});

test('with a horizon, the return at t is made of the periods after t alone', async () => {
  const spec = { ...sampleSpec, horizon: 3 };
  const original = (await buildPanel(spec)).panel;
  const other = (await buildPanel(edited(spec, changed))).panel;
  const rows = rowsUpToCut - spec.horizon;
  expect(past(other, rows).returns).toEqual(past(original, rows).returns);
  expect(past(other, rows + 1).returns).not.toEqual(past(original, rows + 1).returns);
});

describe('every kind of source and step at once', () => {
  const months = monthEnds('2000-01', 120);
  const random = new Random(3);
  const walk = (length: number, step: number) => {
    let level = 50;
    return Array.from({ length }, () => {
      level *= Math.exp(step * random.normal());
      return level.toFixed(6);
    });
  };
  const days = Array.from({ length: 10 * 365 }, (_, i) => new Date(Date.UTC(2000, 0, 1 + i)))
    .filter((day) => day.getUTCDay() % 6 !== 0)
    .map((day) => day.toISOString().slice(0, 10));
  const quarters = months.filter((_, i) => i % 3 === 2);
  const text = (header: string, dates: readonly string[], ...columns: readonly (readonly string[])[]) =>
    [header, ...dates.map((date, t) => [date, ...columns.map((column) => column[t])].join(','))].join('\n');
  const sources = {
    macro: file(text('date,A,B,BILL', months, walk(120, 0.01), walk(120, 0.02), walk(120, 0.05))),
    daily: file(text('date,D,E', days, walk(days.length, 0.01), walk(days.length, 0.01))),
    gdp: file(text('date,G,H', quarters, walk(40, 0.01), walk(40, 0.01))),
    fx: file(text('date,EUR,CHF', days, walk(days.length, 0.005), walk(days.length, 0.005))),
    prices: file(text('date,X,Y', days, walk(days.length, 0.01), walk(days.length, 0.01))),
    returns: file(
      text(
        'date,Z,W',
        months,
        months.map(() => (random.normal() / 20).toFixed(6)),
        months.map(() => (random.normal() / 20).toFixed(6)),
      ),
    ),
  };

  const spec = (from: typeof sources, timing: 'reference' | 'available'): PanelSpec => ({
    timing,
    horizon: 0,
    frequency: 'M',
    calendar: { holidays: months.filter((day) => day.slice(5) === '12-31') },
    currency: { base: 'USD', rates: { EUR: { file: from.fx, series: 'EUR' } } },
    factors: [
      {
        file: from.macro,
        outliers: 'iqr',
        series: {
          NEWS: { column: 'A', transform: 'dlog', surprise: 2, releaseLag: 1 },
          SPREAD: { expr: 'A - B', transform: 'diff2', winsorise: 0.05 },
          GROWTH: { column: 'B', transform: 'pct_diff', gaps: 'carry', surprise: { consensus: 'A' } },
        },
      },
      { file: from.daily, aggregate: 'mean', series: { D: { column: 'D', transform: 'yoy' } } },
      { file: from.daily, aggregate: 'sum', series: { E: { column: 'E', transform: 'dlog2' } } },
      { file: from.gdp, series: { G: { column: 'G', transform: 'dlog', role: 'state', releaseLag: 2 } } },
    ],
    assets: [
      { file: from.prices, values: 'prices', currency: 'EUR', riskFree: { series: 'BILL', unit: 'annual_percent' } },
      { file: from.returns, unit: 'decimal' },
    ],
  });

  const rowOf = (panel: Panel, day: string) => Array.from(panel.axis.dates, formatIsoDate).indexOf(day) + 1;

  test.each(['reference', 'available'] as const)(
    '%s: after three cuts in each of six files, no earlier bit differs',
    async (timing) => {
      const original = (await buildPanel(spec(sources, timing))).panel;
      for (const month of [40, 71, 102]) {
        const rows = rowOf(original, months[month]);
        for (const name of Object.keys(sources) as (keyof typeof sources)[]) {
          const edit = (row: string) => (row.slice(0, 10) > months[month] ? changed(row) : row);
          const [header, ...lines] = readFileSync(sources[name], 'utf8').split('\n');
          const other = { ...sources, [name]: file([header, ...lines.map(edit)].join('\n')) };
          const { panel } = await buildPanel(spec(other, timing));
          expect(past(panel, rows)).toEqual(past(original, rows));
          expect(panel.inputs.values.length + panel.returns.length).toBe(
            original.inputs.values.length + original.returns.length,
          );
          expect([...panel.inputs.values, ...panel.returns]).not.toEqual([
            ...original.inputs.values,
            ...original.returns,
          ]);
        }
      }
    },
  );
});
