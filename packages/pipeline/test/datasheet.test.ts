import { type FactorMeta, type FactorPanel, monthEndOfIndex, Random } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { dataSheet } from '../src/datasheet.js';
import { dataSheetRecord } from '../src/stages/data-record.js';

const ROWS = 240;
const random = new Random(4);
const draw = () => Array.from({ length: ROWS }, () => random.normal());
const sum = (x: readonly number[]) => x.map((_, t) => x.slice(0, t + 1).reduce((a, b) => a + b, 0));

const noise = draw();
const walk = sum(draw());
const twin = noise.map((x) => x + 0.05 * random.normal());
const shifted = draw().map((x, t) => (t < 150 ? x : x + 3));

function panelOf(columns: Record<string, { values: readonly number[]; meta?: Partial<FactorMeta> }>): FactorPanel {
  const entries = Object.entries(columns);
  const base = { role: 'factor', unit: 'pp', transform: 'none', releaseLag: 0 } as const;
  return {
    axis: { frequency: 'M', dates: Int32Array.from({ length: ROWS }, (_, t) => monthEndOfIndex(t)) },
    factors: entries.map(([name, { meta }]) => ({ name, ...base, source: `m.csv: ${name}`, ...meta })),
    values: Float64Array.from({ length: ROWS * entries.length }, (_, at) => {
      const [, { values }] = entries[at % entries.length];
      return values[Math.floor(at / entries.length)];
    }),
  };
}

describe('data sheet', () => {
  it('has nothing to say about two independent stationary series', () => {
    const { advice, conditionNumber, series } = dataSheet(panelOf({ A: { values: noise }, B: { values: draw() } }));
    expect(advice).toEqual([]);
    expect(conditionNumber).toBeLessThan(1.5);
    expect(series[0].unitRoot).toBeLessThan(0.01);
  });

  it('advises to take the change of a level, unless it is a state', () => {
    const rate = { values: walk };
    expect(dataSheet(panelOf({ A: { values: noise }, RATE: rate })).advice.join()).toContain(
      "RATE: tests can't reject a unit root and reject stationarity; take diff",
    );
    const state = dataSheet(
      panelOf({ A: { values: noise }, RATE: { ...rate, meta: { role: 'state' } } }),
    ).advice.join();
    expect(state).not.toContain('unit root');
  });

  it('names factors that move together', () => {
    const { advice, series } = dataSheet(
      panelOf({ A: { values: noise }, TWIN: { values: twin }, B: { values: draw() } }),
    );
    expect(advice.join()).toContain('A is hardly told apart beside TWIN (variance inflation ');
    expect(series[2].inflation).toBeLessThan(2);
  });

  it('names level and change of one series', () => {
    const source = 'macro.csv: GS10';
    const change = walk.map((x, t) => (t === 0 ? Number.NaN : x - walk[t - 1]));
    const columns = {
      LEVEL: { values: walk, meta: { source } },
      CHANGE: { values: change, meta: { source, transform: 'diff' } },
    };
    expect(dataSheet(panelOf(columns)).advice[0]).toBe(
      'LEVEL and CHANGE are level and change of macro.csv: GS10: together they leave partial exposures unidentified; ' +
        'give the level `role: state`',
    );
  });

  it('dates a break', () => {
    const { series } = dataSheet(panelOf({ A: { values: noise }, B: { values: shifted } }));
    expect(series[1].breakAt?.slice(0, 4)).toBe('1982');
    expect(series[0].breakAt).toBeUndefined();
  });
});

it('stands in run.json with coverage and with what becomes of gaps; exact relations are null, not infinite', () => {
  const holed = draw().map((x, t) => (t < 12 || t === 100 ? Number.NaN : x));
  const inputs = panelOf({
    A: { values: noise },
    TWICE: { values: noise.map((x) => 2 * x) },
    HOLED: { values: holed, meta: { unit: 'log-%', releaseLag: 2 } },
  });
  const returns = Float64Array.from({ length: 3 * ROWS }, (_, at) => (at % 3 === 2 && at < 90 ? Number.NaN : 0.01));
  const assets = ['X', 'Y', 'LATE'].map((name) => ({ name, source: 'r.csv', labels: [] }));
  const record = dataSheetRecord({ axis: inputs.axis, inputs, assets, returns, horizon: 0 }, dataSheet(inputs));
  expect(record.series[2]).toMatchObject({
    unit: 'log-%',
    release_lag: 2,
    first: '1971-01-31',
    last: '1989-12-31',
    observed: ROWS - 13,
    gaps: 1,
    gap_policy: '13 rows missing: the mean stands in, marked as such; no exposure there',
  });
  expect(record.series[0]).toMatchObject({ gap_policy: 'none missing', variance_inflation: null });
  expect(record.condition_number).toBeNull();
  expect(record.assets).toEqual([
    { first: '1970-01-31', last: '1989-12-31', gaps: 0, assets: 2, examples: ['X', 'Y'] },
    { first: '1972-07-31', last: '1989-12-31', gaps: 0, assets: 1, examples: ['LATE'] },
  ]);
});
