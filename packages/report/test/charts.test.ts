import { Random } from '@macrograd/core';
import type { SeriesOption } from 'echarts';
import { expect, test } from 'vitest';
import { BandReader, BandWriter } from '../src/band-codec.js';
import { arenaOption } from '../src/charts/arena.js';
import { presentRuns } from '../src/charts/band.js';
import { historyOption } from '../src/charts/history.js';
import { cumulativeLagOption } from '../src/charts/lags.js';
import { lightTheme as theme } from '../src/charts/theme.js';
import { heatmapCells } from '../src/heatmap-cells.js';
import { pageData } from '../src/page/data.js';
import type { Band } from '../src/page-data.js';
import { fixtureResult, smallFixture } from './fixture.js';

const band = (value: number[], half: number): Band => ({
  value: Float64Array.from(value),
  lo: Float64Array.from(value, (x) => x - half),
  hi: Float64Array.from(value, (x) => x + half),
});

function seriesOf(option: { series?: unknown }): (SeriesOption & { data?: unknown[] })[] {
  return option.series as (SeriesOption & { data?: unknown[] })[];
}

/** A band is rounded to steps of 1/4095 of its largest value; each end is the sum of two rounded numbers. */
const STEPS_OFF = 1.01;

test('packing keeps lines, asymmetric intervals and gaps, and several bands in a row', () => {
  const random = new Random(3);
  const bands = [5, 1, 40, 0].map((n) => {
    const value = Float64Array.from({ length: n }, () => (random.uniform() < 0.2 ? Number.NaN : random.normal()));
    return { value, lo: value.map((x) => x - random.uniform()), hi: value.map((x) => x + 2 * random.uniform()) };
  });
  const writer = new BandWriter();
  for (const one of bands) writer.write(one);
  const reader = new BandReader(writer.bytes());
  for (const one of bands) {
    const back = reader.read(one.value.length);
    const largest = Math.max(
      0,
      ...[one.value, one.lo, one.hi].flatMap((part) => [...part].filter(Number.isFinite).map(Math.abs)),
    );
    for (const part of ['value', 'lo', 'hi'] as const) {
      one[part].forEach((x, i) => {
        if (Number.isNaN(x)) expect(back[part][i]).toBeNaN();
        else expect(Math.abs(back[part][i] - x)).toBeLessThanOrEqual((STEPS_OFF * largest) / 4095);
      });
    }
  }
});

test('an interval is cut where it is missing', () => {
  const gaps = band([Number.NaN, 1, 2, Number.NaN, 3], 1);
  expect(presentRuns(gaps)).toEqual([
    [1, 3],
    [4, 5],
  ]);
});

test('a missing exposure is a gap in the line, and the axis starts at the first one present', () => {
  const option = historyOption({
    dates: ['2000-01-31', '2000-02-29', '2000-03-31', '2000-04-30'],
    lines: [{ name: 'LSTM', colour: 'red', band: band([Number.NaN, 1, Number.NaN, 2], 0.5) }],
    regions: [{ start: 0, end: 4, fit: '0', inSample: true }],
    unit: '% per 1 pp',
    theme,
  });
  const line = seriesOf(option).find(({ type, name }) => type === 'line' && name === 'LSTM');
  expect(line?.data?.map((point) => (point as (number | null)[])[1])).toEqual([null, 1, null, 2]);
  expect((option.xAxis as { min: number }).min).toBe(Date.parse('2000-02-29'));
});

test('a cumulative lag profile ends at a missing lag', () => {
  const [line] = seriesOf(
    cumulativeLagOption({
      band: band([1, 2, Number.NaN, 4], 0),
      period: 'month',
      unit: '',
      colour: 'red',
      name: '',
      theme,
    }),
  );
  expect(line.data?.map((point) => (point as (number | null)[])[1])).toEqual([1, 3, null, null]);
});

test('scores below the axis sit on its edge and keep their value for the tooltip', () => {
  const option = arenaOption({
    rows: [{ name: 'OLS', colour: 'blue', scores: [-30, 0.1, null, 0.2, 0.05] }],
    assets: ['A', 'B', 'C', 'D', 'E'],
    theme,
  });
  const low = (option.xAxis as { min: number }).min;
  const dots = seriesOf(option)[0].data as { value: number[]; score: number; asset: number }[];
  expect(dots.map(({ asset }) => asset)).toEqual([0, 1, 3, 4]);
  expect(dots[0].value[0]).toBe(low);
  expect(dots[0].score).toBe(-30);
  expect(low).toBeGreaterThan(-1);
});

test('the heatmap of chosen methods marks nothing significant where no exposure was chosen', () => {
  const data = pageData(fixtureResult(smallFixture));
  const none = data.choices.findIndex(([choice]) => choice.method === 'zero');
  const selected = { ...data.summary.lstm, selected: data.summary.lstm.selected.map(() => 1 as const) };
  const marked = { ...data, summary: { ...data.summary, lstm: selected } };
  expect(heatmapCells(marked, 'chosen', none, 0).map(({ significant, faded }) => [significant, faded])).toEqual([
    [false, true],
    [false, true],
    [false, true],
  ]);
  expect(heatmapCells(marked, 'lstm', none, 0).every(({ significant, faded }) => significant && !faded)).toBe(true);
});

test('a cell without an estimate is left out of the heatmap', () => {
  const data = pageData(fixtureResult(smallFixture));
  const mean = data.summary.lstm.mean.map((x, i) => (i === 1 ? null : x));
  const holed = { ...data, summary: { ...data.summary, lstm: { ...data.summary.lstm, mean } } };
  expect(heatmapCells(holed, 'lstm', 0, 0).map(({ factor }) => factor)).toEqual([0, 2]);
});
