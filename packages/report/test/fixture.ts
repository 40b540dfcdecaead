/** Synthetic results with every feature that the report shows. The numbers mean nothing; the same arguments give the same tables. */
import { formatIsoDate, monthEndOfIndex, Random } from '@macrograd/core';
import {
  type BillRecord,
  type DataSheetRecord,
  type RunRecord,
  TableBuilder,
  writeRunRecord,
  writeTable,
} from '@macrograd/store';
import type { RunResult } from '../src/index.js';

export interface FixtureOptions {
  readonly assets: readonly string[];
  readonly factors: readonly string[];
  readonly months: number;
  /** Months before the first fold, and months a fold. */
  readonly initial: number;
  readonly step: number;
  readonly lags: number;
  /** Months at the start in which the last factor is not yet observed. */
  readonly lateStart: number;
}

/** A universe small enough for a test and with more than one of everything. */
export const smallFixture: FixtureOptions = {
  assets: ['Steel', 'Food & <script>alert(1)</script>', 'Banks'],
  factors: ['INFL', 'TERM', 'OIL'],
  months: 60,
  initial: 24,
  step: 12,
  lags: 5,
  lateStart: 10,
};

export const methods = ['zero', 'ols', 'rolling_ols', 'ewm_ols', 'lstm'] as const;
const units = ['pp', 'pp', 'log-%', 'pp', '%'];
const Z90 = 1.645;
/** Month index of 1960-01. */
const FIRST_MONTH = -120;

/** A data sheet in which one series has something of everything. */
function fixtureSheet(factors: readonly string[]): DataSheetRecord {
  const series = factors.map((name, j) => ({
    name,
    role: 'factor' as const,
    unit: units[j % units.length],
    transform: j % 2 === 0 ? 'yoy_diff' : 'dlog, winsorised at 0.01',
    release_lag: j % 2,
    first: j === 2 ? '1961-01-31' : '1960-02-29',
    last: '1964-12-31',
    observed: j === 2 ? 48 : 59,
    gaps: j === 2 ? 2 : 0,
    gap_policy: j === 2 ? '12 rows missing: the mean stands in, marked as such; no exposure there' : 'none missing',
    unit_root_p: j === 1 ? 0.41 : 0.0004,
    stationary_p: j === 1 ? 0.01 : 0.1,
    break_at: j === 0 ? '1962-03-31' : null,
    variance_inflation: j === 2 ? 14.2 : 1.3,
  }));
  return {
    series,
    condition_number: 12.4,
    advice: ['LEVEL and CHANGE are level and change of GS10: give the level `role: state`'],
    assets: [{ first: '1960-01-31', last: '1964-12-31', gaps: 0, assets: 3, examples: ['Steel', '<i>Banks</i>'] }],
  };
}

const fixtureBill: BillRecord = {
  horizon: 1,
  methods: [
    { method: 'zero', revised: 0, lagged: 0, real_time: 0, by_dates: 0, by_revisions: 0, total: 0 },
    {
      method: 'ols',
      revised: 0.045,
      lagged: 0.02,
      real_time: 0.014,
      by_dates: 0.025,
      by_revisions: 0.006,
      total: 0.031,
    },
  ],
  revisions: [{ factor: 'INFL', rows: 59, correlation: 0.97, relative: 0.24 }],
};

/** run.json of a fixture. */
export function fixtureRun({ assets, factors, months }: FixtureOptions): RunRecord {
  return {
    schema_version: 1,
    name: 'Synthetic universe',
    status: 'complete_with_warnings',
    config_hash: '0',
    config: {},
    data_hashes: {},
    versions: { macrograd: '0.1.0' },
    isa: 'avx2',
    threads: 1,
    seed: 1,
    frequency: 'M',
    horizon: 0,
    timing: 'reference',
    folds: 3,
    assets: assets.map((name, i) => ({
      name,
      source: 'synthetic',
      labels: i % 4 === 1 ? ['survivor'] : i % 7 === 3 ? ['price index'] : [],
    })),
    screening_level: 0.1,
    interval_coverage: 0.9,
    span: {
      start: formatIsoDate(monthEndOfIndex(FIRST_MONTH)),
      end: formatIsoDate(monthEndOfIndex(FIRST_MONTH + months - 1)),
    },
    started_at: '2026-01-31T11:58:00Z',
    finished: '2026-01-31T12:00:00Z',
    timings: {},
    warnings: [
      'these numbers are synthetic: they show the layout of a report and say nothing about markets',
      'OIL starts 1986-01-31: it has no exposure before',
    ],
    data_sheet: fixtureSheet(factors),
    look_ahead_bill: fixtureBill,
    drift: [{ method: 'lstm', kind: 'refit', from: 'all', to: 'all', pairs: 40, outside: 0.05, change: 0.6 }],
    network: {
      lookback: 36,
      effective_memory: 7.25,
      lag_filters: 12,
      retention: Array.from({ length: 36 }, (_, lag) => 0.88 ** lag),
    },
    checks: [
      {
        name: '10-year bond on its own yield',
        expected: -0.081,
        measured: -0.0806,
        tolerance: 0.01,
        unit: 'decimal return per 1 pp',
        passed: true,
      },
      {
        name: 'Sterling cash on the pound',
        expected: 0.01,
        measured: 0.0062,
        tolerance: 0.002,
        unit: 'decimal return per 1 log-%',
        passed: false,
      },
    ],
  };
}

/** All tables of a synthetic result. */
export function fixtureResult(options: FixtureOptions): RunResult {
  const { assets, factors } = options;
  const random = new Random(7);
  const truth = Float64Array.from({ length: assets.length * factors.length }, () =>
    random.uniform() < 0.6 ? 0.002 * random.normal() : 0.012 * random.normal(),
  );
  const sd = factors.map((_, j) => 0.25 + 0.4 * (j % 3));
  const world: World = { options, random, truth, sd };
  return {
    run: fixtureRun(options),
    exposures: exposures(world),
    lags: lags(world),
    summary: summary(world),
    evaluation: evaluation(world),
    diagnostics: diagnostics(),
    chosen: chosen(world),
    factors: factorTable(world),
  };
}

/** Writes a fixture as a result directory. */
export function writeFixture(dir: string, options: FixtureOptions): void {
  const { run, ...tables } = fixtureResult(options);
  writeTable(dir, 'exposures', tables.exposures);
  writeTable(dir, 'lags', tables.lags);
  writeTable(dir, 'summary', tables.summary);
  writeTable(dir, 'evaluation', tables.evaluation);
  if (tables.diagnostics) writeTable(dir, 'diagnostics', tables.diagnostics);
  writeTable(dir, 'chosen', tables.chosen);
  writeTable(dir, 'factors', tables.factors);
  writeRunRecord(dir, run);
}

/** Least squares is ill-conditioned in its last fit alone; the LSTM leaves much autocorrelation; nothing drifts. */
function diagnostics() {
  const table = new TableBuilder('diagnostics');
  for (const method of methods) {
    for (const fit of ['0', 'final']) {
      table.append({
        asset: 'all',
        method,
        fit,
        observations: 500,
        status: 'ok',
        remedy: null,
        condition_number: method === 'ols' && fit === 'final' ? 58.3 : method === 'zero' ? Number.NaN : 4,
        residual_autocorrelation: 0.04,
        autocorrelated_share: method === 'lstm' ? 0.5 : 0.1,
        unstable_share: 0.05,
        facts: '{}',
      });
    }
  }
  return table.finish();
}

interface World {
  readonly options: FixtureOptions;
  readonly random: Random;
  /** [asset][factor], decimal per SD. */
  readonly truth: Float64Array;
  readonly sd: readonly number[];
}

function exposures({ options, random, truth, sd }: World) {
  const { assets, factors, months, initial, step, lateStart } = options;
  const table = new TableBuilder('exposures');
  assets.forEach((asset, i) => {
    factors.forEach((factor, j) => {
      for (const method of methods) {
        const kinds = method === 'lstm' ? ['contemporaneous', 'cumulative'] : ['contemporaneous'];
        for (const kind of kinds) {
          let value = truth[i * factors.length + j];
          for (let t = 0; t < months; t++) {
            const fold = Math.max(0, Math.floor((t - initial) / step));
            const missing = j === factors.length - 1 && t < lateStart;
            if (method === 'lstm') value += 0.0006 * random.normal() - 0.03 * (value - truth[i * factors.length + j]);
            else if (t >= initial && (t - initial) % step === 0) value += 0.0008 * random.normal();
            const exposure = missing ? Number.NaN : method === 'zero' ? 0 : kind === 'cumulative' ? 1.8 * value : value;
            const se = method === 'zero' ? Number.NaN : 0.003 + 0.0005 * Math.sin(t / 40);
            table.append({
              asset,
              date: monthEndOfIndex(FIRST_MONTH + t),
              factor,
              method,
              kind,
              fit: String(fold),
              in_sample: t < initial,
              exposure,
              unit_exposure: exposure / sd[j],
              se,
              lo: exposure - Z90 * se,
              hi: exposure + Z90 * se,
              regime_share: 0.5,
              status: 'ok',
            });
          }
        }
      }
    });
  });
  return table.finish();
}

function lags({ options, truth, sd }: World) {
  const { assets, factors } = options;
  const table = new TableBuilder('lags');
  assets.forEach((asset, i) => {
    factors.forEach((factor, j) => {
      for (let lag = 0; lag < options.lags; lag++) {
        const exposure = truth[i * factors.length + j] * (lag + 0.5) * Math.exp(-lag / 2.2);
        const half = 0.002 * Math.exp(-lag / 12);
        table.append({
          asset,
          factor,
          method: 'lstm',
          fit: 'final',
          lag,
          exposure,
          unit_exposure: exposure / sd[j],
          lo: exposure - half,
          hi: exposure + half,
          status: 'ok',
        });
      }
    });
  });
  return table.finish();
}

function summary({ options, random, truth, sd }: World) {
  const { assets, factors } = options;
  const table = new TableBuilder('summary');
  assets.forEach((asset, i) => {
    factors.forEach((factor, j) => {
      for (const method of methods) {
        const mean = method === 'zero' ? 0 : truth[i * factors.length + j] + 0.0005 * random.normal();
        const se = method === 'zero' ? Number.NaN : 0.003;
        const q = method === 'zero' ? Number.NaN : Math.min(1, 2.5 * Math.exp(-((mean / se) ** 2) / 1.8));
        const turns = method === 'lstm' && i === 0 && j === 0;
        table.append({
          asset,
          factor,
          method,
          fit: 'final',
          mean_exposure: mean,
          latest_exposure: mean,
          unit_exposure: mean / sd[j],
          lo: mean - Z90 * se,
          hi: mean + Z90 * se,
          sign: Math.abs(mean) > Z90 * se ? Math.sign(mean) : 0,
          p_value: q / 2,
          q_value: q,
          selected: q <= 0.1,
          status: i === 2 && j === 1 ? 'regime_barely_seen' : 'ok',
          peak_lag: method === 'lstm' ? 1 : null,
          peak_lag_lo: method === 'lstm' ? 0 : null,
          peak_lag_hi: method === 'lstm' ? 3 : null,
          half_life: method === 'lstm' ? 2.5 : Number.NaN,
          half_life_lo: method === 'lstm' ? 1 : Number.NaN,
          half_life_hi: method === 'lstm' ? 4 : Number.NaN,
          threshold: turns ? 5.1 : Number.NaN,
          threshold_lo: turns ? 4.3 : Number.NaN,
          threshold_hi: Number.NaN,
          threshold_variable: method === 'lstm' ? 'LEVEL' : null,
          threshold_unit: method === 'lstm' ? 'pp' : null,
          threshold_p_value: method !== 'lstm' ? Number.NaN : turns ? 0.0004 : 0.6,
          top_interaction: null,
          in_regime: null,
        });
      }
    });
  });
  return table.finish();
}

/** Out-of-sample R2 of each method on average; the LSTM does not win. */
const skill: Readonly<Record<string, number>> = {
  zero: 0,
  ols: -0.01,
  rolling_ols: -0.08,
  ewm_ols: 0.03,
  lstm: 0.02,
  chosen: 0.03,
};

function evaluation({ options, random }: World) {
  const table = new TableBuilder('evaluation');
  for (const asset of [...options.assets, 'all']) {
    for (const method of [...methods, 'chosen']) {
      const noise = method === 'zero' ? 0 : 0.05 * random.normal();
      const r2 = skill[method] + noise;
      table.append({
        asset,
        method,
        fold: 'all',
        horizon: 0,
        n: options.months - options.initial,
        r2_oos: r2,
        hedge_variance_reduction: method === 'zero' ? 0 : r2 + 0.02 * random.normal(),
        dm_stat: method === 'zero' ? Number.NaN : 40 * r2,
        dm_p_value: method === 'zero' ? Number.NaN : Math.exp(-50 * Math.abs(r2)),
        cw_stat: method === 'zero' ? Number.NaN : 40 * r2 + 1,
        cw_p_value: method === 'zero' ? Number.NaN : 1 / (1 + Math.exp(60 * r2 + 1)),
      });
    }
  }
  return table.finish();
}

function chosen({ options }: World) {
  const table = new TableBuilder('chosen');
  options.assets.forEach((asset, i) => {
    const reason = 'highest R2 over the folds before';
    if (i % 5 === 4) {
      table.append({ asset, fit: 'final', method: 'ewm_ols', weight: 0.6, reason });
      table.append({ asset, fit: 'final', method: 'lstm', weight: 0.4, reason });
      return;
    }
    const method = (['lstm', 'ewm_ols', 'zero', 'ols'] as const)[i % 4];
    table.append({ asset, fit: 'final', method, weight: 1, reason });
  });
  return table.finish();
}

function factorTable({ options, sd }: World) {
  const table = new TableBuilder('factors');
  options.factors.forEach((factor, j) => {
    table.append({
      factor,
      fit: 'final',
      role: 'factor',
      unit: units[j % units.length],
      transform: j % 3 === 0 ? 'yoy_diff' : 'diff',
      mean: 0,
      sd: sd[j],
      release_lag: j % 2,
      source: 'synthetic',
    });
  });
  table.append({
    factor: 'LEVEL',
    fit: 'final',
    role: 'state',
    unit: '%',
    transform: 'yoy',
    mean: 3,
    sd: 2,
    release_lag: 1,
    source: 'synthetic',
  });
  return table.finish();
}
