import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { BandReader } from '../src/band-codec.js';
import { renderReport, writeReport } from '../src/index.js';
import type { PageData } from '../src/page-data.js';
import { fixtureResult, methods, smallFixture, writeFixture } from './fixture.js';

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'macrograd-report-'));
  folders.push(folder);
  return folder;
}

/** The JSON that the page carries. */
function dataOf(html: string): PageData {
  const json = /<script type="application\/json" id="page-data">(.*?)<\/script>/s.exec(html);
  return JSON.parse(json?.[1] ?? 'null');
}

/** Everything but script, style and data: what a reader without a browser's help would see. */
function markupOf(html: string): string {
  return html.replace(/<(script|style)[^>]*>.*?<\/\1>/gs, '');
}

const smallPage = await renderReport(fixtureResult(smallFixture));

describe('the page', () => {
  test('gives no two elements one id, so that its script finds its data', () => {
    const tags = smallPage.replace(/(<(script|style)[^>]*>).*?<\/\2>/gs, '$1');
    const ids = [...tags.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
    expect(ids).toContain('page-data');
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('says what is wrong with a fit on the whole span, and folds the diagnostics of all away', () => {
    const [, section] = /<section id="methods">(.*?)<\/section>/s.exec(markupOf(smallPage))!;
    const [sentences, table] = section.split('<details id="fits">');
    expect(sentences).toContain('single exposures are uncertain, by condition number: OLS (58)');
    expect(sentences).toContain('too narrow: LSTM (50.0 % of assets)');
    expect(sentences).not.toContain('drifts');
    expect(table.match(/<tr>/g)).toHaveLength(1 + methods.length);
    expect(table.match(/class="suspect"/g)).toHaveLength(2);
  });

  test('has no diagnostics for a result of a version before them', async () => {
    const { diagnostics: _, ...older } = fixtureResult(smallFixture);
    expect(await renderReport(older)).not.toContain('id="fits"');
  });

  test('has every section, in reading order', () => {
    const ids = [...markupOf(smallPage).matchAll(/<section id="(\w+)"/g)].map((match) => match[1]);
    expect(ids).toEqual([
      'says',
      'warnings',
      'assets',
      'heatmap',
      'history',
      'lags',
      'states',
      'methods',
      'bill',
      'checks',
      'data',
      'notes',
    ]);
  });

  test('tells the drift of exposures and, beside the lag profile, how far back the network looks', async () => {
    expect(markupOf(smallPage)).toContain('lies outside the later 90 % interval for 5 % of the pairs by the LSTM');
    expect(markupOf(smallPage)).toMatch(/effective memory<\/\w+> is 7\.3 months of a window of 36; lag filters/);
    const { run, ...tables } = fixtureResult(smallFixture);
    const short = { ...run, network: { lookback: 1, effective_memory: 0, lag_filters: 12, retention: [1] } };
    expect(markupOf(await renderReport({ run: short, ...tables }))).toContain('own factors alone; lag filters');
    const { network: _, drift: __, ...older } = run;
    const page = markupOf(await renderReport({ run: older, ...tables }));
    expect(page).not.toContain('effective memory');
    expect(page).not.toContain('From one refit');
  });

  test('shows the data sheet, its advice and the bill of looking ahead, and leaves out what a run has not', async () => {
    const markup = markupOf(smallPage);
    expect(markup).toContain('give the level `role: state`');
    expect(markup).toMatch(/<th>OIL<\/th>.*?<b class="suspect">14\.2<\/b>.*?12 rows missing/s);
    expect(markup).toMatch(
      /<section id="bill">.*?<th>OLS<\/th><td class="num">\+4\.50<\/td>.*?<strong>\+3\.10<\/strong>/s,
    );
    const { run, ...tables } = fixtureResult(smallFixture);
    const { data_sheet: _, look_ahead_bill: __, ...older } = run;
    const plain = markupOf(await renderReport({ run: older, ...tables }));
    expect(plain.match(/id="(?:data|bill)"|href="#(?:data|bill)"/g)).toBeNull();
  });

  test('loads nothing from elsewhere', () => {
    const loaded = [...smallPage.matchAll(/<[^>]*\b(?:src|href|srcset|action)\s*=\s*"([^"]*)"/g)].map(
      (match) => match[1],
    );
    expect(loaded.filter((target) => !target.startsWith('#') && target !== 'data:,')).toEqual([]);
    const style = /<style>(.*?)<\/style>/s.exec(smallPage)?.[1] ?? '';
    expect(style.length).toBeGreaterThan(1000);
    expect(style.match(/@import|url\(/g)).toBeNull();
    expect(smallPage.match(/\bfetch\(|XMLHttpRequest|importScripts|\bimport\(/g)).toBeNull();
  });

  test('escapes names that come from files, in markup and in data', () => {
    expect(smallPage.includes('<script>alert(1)')).toBe(false);
    expect(dataOf(smallPage).assets[1].name).toBe('Food & <script>alert(1)</script>');
    const { run, ...tables } = fixtureResult(smallFixture);
    const hostile = { ...run, name: '"><img onerror=x>', warnings: ['<b>bold</b>'] };
    return renderReport({ run: hostile, ...tables }).then((html) => {
      expect(markupOf(html).match(/<img|<b>/g)).toBeNull();
    });
  });

  test('states warnings, the failed check and the survivors', () => {
    const text = markupOf(smallPage);
    expect(text).toContain('these numbers are synthetic');
    expect(text).toContain('1 of 2 come out');
    expect(text).toContain('1 of the 3 assets are companies that survived');
  });

  test('shows thresholds with unit and interval, an open end as a dash, and says what is not provable', () => {
    const text = markupOf(smallPage);
    expect(text).toContain('1 of 9 exposures provably change their sign');
    expect(text).toContain('<td>LEVEL</td><td class="num">5.10</td><td class="num">4.30 to \u2013</td><td>pp</td>');
    expect(text).toContain('No interaction is provable: none of 9 exposures');
  });

  test('shows checks in percent though run.json has decimals', () => {
    expect(markupOf(smallPage)).toContain('<td class="num">\u22128.10</td><td class="num">\u22128.06</td>');
    expect(markupOf(smallPage)).toContain('% per 1 log-%');
  });

  test('is the same for the same result', async () => {
    expect((await renderReport(fixtureResult(smallFixture))) === smallPage).toBe(true);
  });
});

describe('the data of the page', () => {
  /** Rounding of the packed bands: half a step of 1/4095 of the largest value, twice (value and half-width). */
  const PACKING_ERROR = 1 / 4000;

  function bands(data: PageData, asset: number) {
    const reader = new BandReader(inflateRawSync(Buffer.from(data.blobs[asset] ?? '', 'base64')));
    return data.seriesKeys.map((key) => ({ ...key, bands: data.factors.map(() => reader.read(data.dates.length)) }));
  }

  test('holds walk-forward exposures in percent per unit to the precision of the packing', () => {
    const { exposures } = fixtureResult(smallFixture);
    const data = dataOf(smallPage);
    const { columns: c } = exposures;
    const [lstm] = bands(data, 2).filter(({ method, kind }) => method === 'lstm' && kind === 'cumulative');
    const rows = Array.from({ length: exposures.rows }, (_, row) => row).filter(
      (row) =>
        c.asset.values[c.asset.codes[row]] === 'Banks' &&
        c.factor.values[c.factor.codes[row]] === 'TERM' &&
        c.method.values[c.method.codes[row]] === 'lstm' &&
        c.kind.values[c.kind.codes[row]] === 'cumulative',
    );
    expect(rows).toHaveLength(smallFixture.months);
    const largest = Math.max(
      ...rows.map((row) => 100 * Math.abs(c.hi[row] * (c.unit_exposure[row] / c.exposure[row]))),
    );
    rows.forEach((row, i) => {
      const perUnit = (100 * c.unit_exposure[row]) / c.exposure[row];
      expect(Math.abs(lstm.bands[1].value[i] - 100 * c.unit_exposure[row])).toBeLessThan(largest * PACKING_ERROR);
      expect(Math.abs(lstm.bands[1].lo[i] - c.lo[row] * perUnit)).toBeLessThan(largest * PACKING_ERROR);
      expect(Math.abs(lstm.bands[1].hi[i] - c.hi[row] * perUnit)).toBeLessThan(largest * PACKING_ERROR);
    });
  });

  test('leaves a missing exposure missing, never zero', () => {
    const late = smallFixture.factors.length - 1;
    for (const { bands: byFactor } of bands(dataOf(smallPage), 0)) {
      expect(byFactor[late].value.slice(0, smallFixture.lateStart).every(Number.isNaN)).toBe(true);
      expect(byFactor[late].value.slice(smallFixture.lateStart).some(Number.isNaN)).toBe(false);
    }
  });

  test('marks the dates before the first fold as in sample, and every fold', () => {
    const { regions, dates } = dataOf(smallPage);
    expect(dates).toHaveLength(smallFixture.months);
    expect(dates[0]).toBe('1960-01-31');
    expect(regions.map(({ start, inSample }) => [start, inSample])).toEqual([
      [0, true],
      [24, false],
      [36, false],
      [48, false],
    ]);
  });

  test('keeps states and the universe out of the lists of factors and assets', () => {
    const data = dataOf(smallPage);
    expect(data.factors.map(({ name }) => name)).toEqual(smallFixture.factors);
    expect(data.assets.map(({ name }) => name)).toEqual(smallFixture.assets);
    expect(data.scores.lstm.pooledR2).not.toBeNull();
  });

  test('drops the charts of assets beyond the budget and says so', async () => {
    const one = (dataOf(smallPage).blobs[0] ?? '').length;
    const html = await renderReport(fixtureResult(smallFixture), { historyBudget: Math.ceil(1.5 * one) });
    expect(dataOf(html).blobs.filter((blob) => blob !== null)).toHaveLength(1);
    expect(markupOf(html)).toContain('are held for 1 of 3 assets');
  });
});

describe('sizes', () => {
  /** The script is 0.7 MB; the charts through time have a budget of 3.6 MB; tables and markup take the rest. */
  const LARGEST_PAGE = 5_000_000;

  test('a page of 60 assets and 10 factors over 750 months stays below 5 MB', async () => {
    const html = await renderReport(
      fixtureResult({
        ...smallFixture,
        assets: Array.from({ length: 60 }, (_, i) => `Asset ${i}`),
        factors: Array.from({ length: 10 }, (_, i) => `F${i}`),
        months: 750,
        initial: 240,
        step: 60,
        lags: 37,
      }),
    );
    expect(html.length).toBeLessThan(LARGEST_PAGE);
    expect(dataOf(html).blobs.every((blob) => blob !== null)).toBe(true);
  });

  test.each([
    ['no assets', { assets: [] }],
    ['no factors', { factors: [] }],
    ['one asset and one factor', { assets: ['Only'], factors: ['F'] }],
    ['no dates', { months: 0 }],
  ])('a result with %s makes a page', async (_, part) => {
    const html = await renderReport(fixtureResult({ ...smallFixture, ...part }));
    expect(markupOf(html).includes('<section id="notes"')).toBe(true);
    expect(markupOf(html).match(/.{20}(NaN|undefined|Infinity)/g)).toBeNull();
  });
});

describe('writeReport', () => {
  test('reads a result directory and writes the page and the pictures', async () => {
    const dir = temporaryFolder();
    writeFixture(dir, smallFixture);
    const path = await writeReport(dir, { png: true });
    expect(path).toBe(join(dir, 'report', 'index.html'));
    expect(readFileSync(path, 'utf8') === smallPage).toBe(true);
    expect(readdirSync(join(dir, 'report')).sort()).toEqual([
      'heatmap.png',
      'hedge.png',
      'history.png',
      'index.html',
      'r2.png',
    ]);
    const png = readFileSync(join(dir, 'report', 'history.png'));
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    // A blank picture of this size compresses to less than 20 KB.
    expect(png.length).toBeGreaterThan(20_000);
  });

  test('names the missing file when the directory holds no result', async () => {
    await expect(writeReport(temporaryFolder())).rejects.toThrow(/run\.json/);
  });
});
