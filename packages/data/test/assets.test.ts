import { describe, expect, test } from 'vitest';
import { type AssetFileSpec, buildPanel } from '../src/index.js';
import { monthEnds, table } from './files.js';
import { assetColumn } from './numbers.js';

/** Decimal arithmetic of a few operations on numbers near 1. */
const DIGITS = 12;

const MONTHS = monthEnds('2000-01', 4);
const factorFile = () =>
  table(
    ['date', 'X', 'BILL'],
    MONTHS.map((day, i) => [day, i, 1.2 * (i + 1)]),
  );

function build(...assets: readonly AssetFileSpec[]) {
  return buildPanel({ factors: [{ file: factorFile(), series: { X: { column: 'X' } } }], assets });
}

const returns = (...columns: readonly (readonly (number | string)[])[]) =>
  table(
    ['date', 'A', 'B'].slice(0, columns.length + 1),
    MONTHS.map((day, i) => [day, ...columns.map((c) => c[i])]),
  );

const STEADY = [0.03, 0.01, -0.02, 0.04];
const OTHER = [0.01, 0.02, 0.03, 0.04];

test('prices become simple returns, and a missing price takes both of its returns', async () => {
  const { panel } = await build({ file: returns([100, 110, 99, 99], [1, '', 2, 3]), values: 'prices' });
  const [first, ...rest] = assetColumn(panel, 'A');
  expect(first).toBeCloseTo(0.1, DIGITS);
  expect(rest[0]).toBeCloseTo(-0.1, DIGITS);
  expect(rest[1]).toBe(0);
  expect(assetColumn(panel, 'B')).toEqual([Number.NaN, Number.NaN, 0.5]);
});

test('a price that is not positive: refused with its line', async () => {
  const spec = { file: returns([100, 110, 0, 99], OTHER), values: 'prices' } as const;
  await expect(build(spec)).rejects.toThrow(`${spec.file}:4: the price of "A" is 0`);
});

test('percent returns become decimals', async () => {
  const { panel } = await build({ file: returns([3, 1, -2, 4], [1, 2, 3, 4]), unit: 'percent' });
  expect(assetColumn(panel, 'A')).toEqual(STEADY);
});

test('an annual yield is earned over the month after it was quoted', async () => {
  const riskFree = { series: 'BILL', unit: 'annual_percent' } as const;
  const { panel } = await build({ file: returns(STEADY, OTHER), riskFree });
  const excess = assetColumn(panel, 'A');
  expect(excess[0]).toBeCloseTo(0.01 - 0.001, DIGITS);
  expect(excess[1]).toBeCloseTo(-0.02 - 0.002, DIGITS);
  expect(excess).toHaveLength(3);
});

test('risk-free returns of a file of their own are taken off in their own month', async () => {
  const bills = table(
    ['date', 'RF', 'Z'],
    MONTHS.map((day, i) => [day, 0.001 * (i + 1), 0]),
  );
  const { panel } = await build({
    file: returns(STEADY, OTHER),
    riskFree: { file: bills, series: 'RF', unit: 'decimal' },
  });
  expect(assetColumn(panel, 'A')[3]).toBeCloseTo(0.04 - 0.004, DIGITS);
});

test('over a horizon the compounded bill is taken off the compounded return', async () => {
  const bills = table(
    ['date', 'RF', 'Z'],
    MONTHS.map((day) => [day, 0.5, 0]),
  );
  const { panel } = await buildPanel({
    factors: [{ file: factorFile(), series: { X: { column: 'X' } } }],
    assets: [{ file: returns(STEADY, OTHER), riskFree: { file: bills, series: 'RF', unit: 'percent' } }],
    horizon: 2,
  });
  expect(assetColumn(panel, 'A')[0]).toBeCloseTo(1.01 * 0.98 - 1.005 ** 2, DIGITS);
});

test('excess returns stay as they are; labels say what numbers are', async () => {
  const riskFree = { series: 'BILL', unit: 'annual_percent' } as const;
  const { panel } = await build(
    {
      file: table(
        ['date', 'E', 'F'],
        MONTHS.map((day, i) => [day, STEADY[i], OTHER[i]]),
      ),
      return: 'excess',
      riskFree,
    },
    { file: returns(STEADY), return: 'price', riskFree, labels: ['survivor'] },
  );
  expect(assetColumn(panel, 'E')).toEqual(STEADY);
  expect(panel.assets.map(({ labels }) => labels)).toEqual([[], [], ['survivor', 'price index']]);
});

test('columns choose assets, in their order', async () => {
  const { panel } = await build({ file: returns(STEADY, OTHER), columns: ['B', 'A'] });
  expect(panel.assets.map(({ name }) => name)).toEqual(['B', 'A']);
});

test('returns that look like percent are asked for, once declared they are noted', async () => {
  const percent = returns([3, 1, -2, 4], [1, 2, 3, 4]);
  await expect(build({ file: percent })).rejects.toThrow('in percent, or prices?; say `unit: percent`');
  const wild = returns([0.7, -0.6, 0.8, -0.5], [0.7, -0.6, 0.8, -0.5]);
  await expect(build({ file: wild })).rejects.toThrow('the typical standard deviation is 0.660 a month');
  const { notes } = await build({ file: wild, unit: 'decimal' });
  expect(notes).toEqual([expect.stringContaining('taken as decimal, as declared')]);
});

test('one wild asset among tame ones is not asked for', async () => {
  const rows = MONTHS.map((day, i) => [day, STEADY[i], OTHER[i], 3 * (-1) ** i]);
  const { panel, notes } = await build({ file: table(['date', 'A', 'B', 'WILD'], rows) });
  expect(panel.assets).toHaveLength(3);
  expect(notes).toEqual([]);
});

test('an asset without any return in the span is noted', async () => {
  const { notes } = await build({ file: returns(STEADY, ['', '', '', '']) });
  expect(notes).toEqual([
    expect.stringContaining('a column (B) without any value'),
    expect.stringContaining('"B" has no return in the span'),
  ]);
});

test('an asset twice, mixed currencies and an unknown risk-free series: refused', async () => {
  const first = { file: returns(STEADY, OTHER) };
  await expect(build(first, { file: returns(STEADY, OTHER) })).rejects.toThrow('the asset "A" is there already');
  const euro = { file: returns([0, 0, 0, 0]), columns: ['A'], currency: 'EUR' };
  await expect(build(first, euro)).rejects.toThrow('different currencies: USD, EUR');
  const riskFree = { series: 'BILLS', unit: 'annual_percent' } as const;
  await expect(build({ ...first, riskFree })).rejects.toThrow('there is no column "BILLS" (wanted for risk_free)');
});

describe('currencies', () => {
  const rates = table(
    ['date', 'EURUSD', 'USDEUR'],
    MONTHS.map((day, i) => [day, 1.1 ** i, 1.1 ** -i]),
  );
  const factors = () => [{ file: factorFile(), series: { X: { column: 'X' } } }];
  const euro = (extra: Partial<AssetFileSpec> = {}) => ({ file: returns(STEADY, OTHER), currency: 'EUR', ...extra });
  const converted = async (asset: AssetFileSpec, series: string, quote?: 'units_per_base') => {
    const currency = { base: 'USD', rates: { EUR: { file: rates, series, ...(quote ? { quote } : {}) } } };
    return (await buildPanel({ factors: factors(), assets: [asset], currency })).panel;
  };

  test.each([
    ['EURUSD', undefined],
    ['USDEUR', 'units_per_base'],
  ] as const)('returns are those of an owner in the base currency (%s)', async (series, quote) => {
    const panel = await converted(euro(), series, quote);
    assetColumn(panel, 'A').forEach((r, t) => {
      expect(r).toBeCloseTo((1 + STEADY[t + 1]) * 1.1 - 1, DIGITS);
    });
    expect(panel.assets[0].labels).toContain('from EUR');
  });

  test('excess returns stay as they are, labelled', async () => {
    const panel = await converted(euro({ return: 'excess' }), 'EURUSD');
    expect(assetColumn(panel, 'A')).toEqual(STEADY);
    expect(panel.assets[0].labels).toContain('excess in EUR');
  });

  test('a currency without a rate is refused', async () => {
    const spec = { factors: factors(), assets: [euro()], currency: { base: 'GBP', rates: {} } };
    await expect(buildPanel(spec)).rejects.toThrow('there is no exchange rate for EUR; give `currency:');
  });
});

test('moves that look like splits are told, others not', async () => {
  const { notes } = await build({ file: returns([100, 50.5, 51, 52], [10, 9, 14, 13]), values: 'prices' });
  expect(notes.join()).toContain('not adjusted for: A on 2000-02-29 (price ratio 1 for 2)');
  expect(notes.join()).not.toContain('B on');
});

describe('survivors', () => {
  const many = (ends: boolean) =>
    table(
      ['date', ...Array.from({ length: 20 }, (_, i) => `S${i}`)],
      MONTHS.map((day, t) => [
        day,
        ...Array.from({ length: 20 }, (_, i) =>
          (t === 0 && i < 6) || (t === 3 && i === 9 && ends) ? '' : 0.01 * (i % 5) - 0.02,
        ),
      ]),
    );

  test.each([
    ['many start late and none ends early', many(false), [], true],
    ['one ends early', many(true), [], false],
    ['they are labelled', many(false), ['survivor'], false],
  ] as const)('%s', async (_, path, labels, isAsked) => {
    const { notes } = await build({ file: path, labels });
    expect(notes.join().includes('6 of 20 assets start late and none ends early: if those that failed')).toBe(isAsked);
  });
});

test('late starts, early ends and holes are counted, and what is done about them', async () => {
  const { notes } = await build({ file: returns(['', 0.01, '', 0.02], [0.01, 0.02, 0.03, '']) });
  expect(notes.join()).toContain(
    'of 2 assets 1 start late, 1 end early (no delisting return is added), 1 have holes: a',
  );
});
