import { join } from 'node:path';
import { formatIsoDate } from '@macrograd/core';
import { expect, test } from 'vitest';
import { readTable } from '../src/index.js';

/** Folder of the development data; the tests are skipped without it. */
const folder = process.env.MACROGRAD_DATA;

test.skipIf(!folder).each([
  ['fredmd/vintage_2019-09.csv', 'fredmd', 128, '1959-01-31', '2019-08-31', 728],
  ['fredmd/vintage_2023-06.csv', 'fredmd', 127, '1959-01-31', '2023-05-31', 773],
  ['fredmd/vintage_2026-02.csv', 'fredmd', 126, '1959-01-31', '2026-01-31', 805],
  ['fredqd/FRED-QD_2025-07vintage.csv', 'fredqd', 245, '1959-03-31', '2025-06-30', 266],
  ['french/49_Industry_Portfolios.csv', 'french', 49, '1926-07-31', '2026-02-28', 1196],
  ['french/F-F_Research_Data_5_Factors_2x3.csv', 'french', 6, '1963-07-31', '2025-12-31', 750],
  ['french/F-F_Research_Data_Factors.csv', 'french', 4, '1926-07-31', '2025-12-31', 1194],
  ['macro/daily_macro_panel.csv', 'wide', 13, '1962-01-02', '2026-07-31', 16947],
  ['stocks/us_stocks_weekly_close_2005_2017.csv.gz', 'wide', 4280, '2004-12-31', '2017-11-10', 672],
  ['stocks/huge_us_stocks_monthly_close.csv.gz', 'long', 8507, '2010-07-31', '2017-11-30', 89],
])('%s: %s, %i series from %s to %s on %i dates', async (file, format, width, first, last, rows) => {
  const table = await readTable(join(folder ?? '', file));
  const [series] = table.series.values();
  expect(table.format).toBe(format);
  expect(table.series.size).toBe(width);
  expect(series.dates).toHaveLength(rows);
  expect(formatIsoDate(series.dates[0])).toBe(first);
  expect(formatIsoDate(series.dates[rows - 1])).toBe(last);
  if (format.startsWith('fred')) expect(table.transformCodes.size).toBe(width);
});
