import { join } from 'node:path';
import type { AssetFileSpec, PanelSpec } from '../src/index.js';
import { sampleDirectory } from '../src/index.js';

const at = (file: string) => join(sampleDirectory(), file);
const bill = { series: 'TB3MS', unit: 'annual_percent' } as const;

/** The assets of the sample's config.yaml. */
export const sampleAssets: readonly AssetFileSpec[] = [
  {
    file: at('returns.csv'),
    unit: 'decimal',
    riskFree: { file: at('french_factors.csv'), series: 'RF', unit: 'decimal' },
  },
  { file: at('stocks.csv'), unit: 'decimal', labels: ['survivor'], riskFree: bill },
  { file: at('sp500.csv'), unit: 'decimal', return: 'price', riskFree: bill },
  { file: at('computed.csv'), columns: ['BOND10'], unit: 'decimal', labels: ['computed'], riskFree: bill },
  {
    file: at('computed.csv'),
    columns: ['GBP_CASH', 'JPY_CASH'],
    unit: 'decimal',
    return: 'excess',
    labels: ['computed'],
  },
];

/** The job of the sample's config.yaml. */
export const sampleSpec: PanelSpec = {
  factors: [
    {
      file: at('macro.csv'),
      series: {
        INFL: { column: 'CPIAUCSL', transform: 'yoy_diff', releaseLag: 1 },
        POLICY: { column: 'FEDFUNDS', transform: 'diff', unit: 'pp' },
        RATE10: { column: 'GS10', transform: 'diff', unit: 'pp' },
        CREDIT: { expr: 'BAA - AAA', transform: 'diff', unit: 'pp' },
        UNEMP: { column: 'UNRATE', transform: 'diff', unit: 'pp', releaseLag: 1 },
        GROWTH: { column: 'INDPRO', transform: 'dlog', releaseLag: 1 },
        MONEY: { column: 'M2SL', transform: 'dlog', releaseLag: 1 },
        GBP: { column: 'EXUSUK', transform: 'dlog' },
        JPY: { expr: '1 / EXJPUS', transform: 'dlog' },
        USD: { column: 'TWEXMMTH', transform: 'dlog' },
        OIL: { column: 'MCOILWTICO', transform: 'dlog' },
        INFL_LEVEL: { column: 'CPIAUCSL', transform: 'yoy', role: 'state', releaseLag: 1 },
        SLOPE: { expr: 'GS10 - FEDFUNDS', unit: 'pp', role: 'state' },
      },
    },
    { file: at('gdp.csv'), series: { GDP: { column: 'GDPC1', transform: 'yoy', role: 'state', releaseLag: 1 } } },
  ],
  assets: sampleAssets,
  span: { start: '1960-01', end: '2022-09' },
};
