import { readFileSync } from 'node:fs';
import { type Fitted, fitScaler, type MethodId, type Panel, Random } from '@macrograd/core';
import { twoSidedStudentPValue } from '@macrograd/exposure';
import { describe, expect, it } from 'vitest';
import {
  bestMethod,
  clarkWest,
  compareMethods,
  dieboldMariano,
  FactorVar,
  type Fold,
  type FoldForecast,
  forecastFold,
  generalisedMoves,
  scoreForecasts,
} from '../src/index.js';

interface Tests {
  dmStat: number;
  dmPValue: number;
  cwStat: number;
  cwPValue: number;
}

interface Golden {
  student: { t: number; df: number; pValue: number }[];
  series: number[];
  tests: (Tests & { horizon: number })[];
  fold: {
    rows: number;
    factors: number;
    assets: number;
    trainEnd: number;
    inputs: (number | null)[];
    returns: (number | null)[];
    predicted: number[];
    jacobian: number[];
    innovations: (number | null)[];
    scores: (Tests & { n: number; r2Oos: number; hedgeVarianceReduction: number })[];
  };
}

const golden: Golden = JSON.parse(readFileSync(new URL('golden/scores.json', import.meta.url), 'utf8'));

/** Student's distribution goes through log-gamma differences of up to 1e4, which lose four digits. */
const STUDENT_ERROR = 1e-10;
/** Sums over 90 terms in another order. */
const STATISTIC_ERROR = 1e-11;
/** The autoregression is solved by normal equations with a ridge of 1e-9, statsmodels' and numpy's by QR. */
const AUTOREGRESSION_ERROR = 1e-8;

function expectClose(actual: number, expected: number, error: number): void {
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(error * Math.max(1e-12, Math.abs(expected)));
}

const { rows, factors, assets, trainEnd } = golden.fold;
const fold: Fold = { index: 0, train: { start: 0, end: trainEnd }, test: { start: trainEnd, end: rows } };

function withNaN(values: readonly (number | null)[]): Float64Array {
  return Float64Array.from(values, (x) => x ?? Number.NaN);
}

const panel: Panel = (() => {
  const axis = { frequency: 'M', dates: Int32Array.from({ length: rows }, (_, t) => t) } as const;
  return {
    axis,
    inputs: {
      axis,
      factors: Array.from({ length: factors }, (_, j) => ({
        name: `F${j}`,
        role: 'factor',
        unit: 'pp',
        transform: 'none',
        releaseLag: 0,
        source: 'invented',
      })),
      values: withNaN(golden.fold.inputs),
    },
    assets: Array.from({ length: assets }, (_, i) => ({ name: `A${i}`, source: 'invented', labels: [] })),
    returns: withNaN(golden.fold.returns),
    horizon: 0,
  };
})();

/** The golden fit: returns of the table as predictions, an exposure that moves from row to row. */
const fitted: Fitted = {
  method: 'ols',
  predict: (_inputs, span) =>
    Promise.resolve({
      span,
      assets: { start: 0, end: assets },
      values: Float64Array.from(golden.fold.predicted.slice(span.start * assets, span.end * assets)),
    }),
  async *jacobian(_inputs, span) {
    const dates = span.end - span.start;
    for (let asset = 0; asset < assets; asset++) {
      const values = Float64Array.from({ length: dates * factors }, (_, i) => {
        const row = span.start + Math.floor(i / factors);
        return golden.fold.jacobian[(row * assets + asset) * factors + (i % factors)];
      });
      const variance = values.map(() => Number.NaN);
      yield { assets: { start: asset, end: asset + 1 }, span, dates, lags: 1, factors, values, variance };
    }
  },
  parameters: () => {
    throw new Error('not asked for here');
  },
  diagnostics: { status: [], observations: new Int32Array(assets), pValues: new Float64Array(0), facts: {} },
};

describe('tests of equal accuracy', () => {
  it('take their p-values from the t distribution of scipy', () => {
    for (const { t, df, pValue } of golden.student) expectClose(twoSidedStudentPValue(t, df), pValue, STUDENT_ERROR);
  });

  it('match HAC regressions of statsmodels at every horizon', () => {
    const series = Float64Array.from(golden.series);
    for (const { horizon, ...expected } of golden.tests) {
      const dm = dieboldMariano(series, horizon);
      const cw = clarkWest(series, horizon);
      expectClose(dm.statistic, expected.dmStat, STATISTIC_ERROR);
      expectClose(dm.pValue, expected.dmPValue, STUDENT_ERROR);
      expectClose(cw.statistic, expected.cwStat, STATISTIC_ERROR);
      expectClose(cw.pValue, expected.cwPValue, STUDENT_ERROR);
    }
  });

  it('say nothing about equal forecasts or a handful of periods', () => {
    expect(dieboldMariano(new Float64Array(60), 0)).toEqual({ statistic: Number.NaN, pValue: Number.NaN });
    expect(clarkWest(Float64Array.of(1, 2, 3), 0).pValue).toBeNaN();
  });
});

describe('generalisedMoves', () => {
  it('are the regressions of innovations on each other, whatever the factors expect of each other', () => {
    const rows = 4000;
    const random = new Random(5);
    const values = new Float64Array(2 * rows);
    for (let t = 1; t < rows; t++) {
      const shock = random.normal();
      values[2 * t] = 0.9 * values[2 * t - 2] + shock;
      values[2 * t + 1] = 0.5 * values[2 * t - 2] + 0.8 * shock + 0.6 * random.normal();
    }
    const axis = { frequency: 'M', dates: Int32Array.from({ length: rows }, (_, t) => t) } as const;
    const meta = { role: 'factor', unit: 'pp', transform: 'none', releaseLag: 0, source: 'test' } as const;
    const inputs = {
      axis,
      factors: [
        { ...meta, name: 'A' },
        { ...meta, name: 'B' },
      ],
      values,
    };
    const train = { start: 0, end: rows };
    const { sd } = fitScaler(values, 2, train);
    const moves = generalisedMoves(inputs, train);
    // Shocks of unit variance: cov = .8, variances 1 and 1, each in SD of its factor. Four standard errors.
    const tolerance = 4 / Math.sqrt(rows);
    expect(moves[0]).toBe(1);
    expect(moves[3]).toBe(1);
    expect(Math.abs((moves[2] * sd[1]) / sd[0] - 0.8)).toBeLessThan(tolerance);
    expect(Math.abs((moves[1] * sd[0]) / sd[1] - 0.8)).toBeLessThan(tolerance);
  });
});

describe('FactorVar', () => {
  it('leaves the innovations of an equation-wise least squares, late starters and gaps included', () => {
    const expectation = new FactorVar(panel.inputs, fold.train);
    const expected = withNaN(golden.fold.innovations);
    for (let row = trainEnd; row < rows; row++) {
      expectation.innovation(panel.inputs, row).forEach((u, j) => {
        const wanted = expected[(row - trainEnd) * factors + j];
        if (Number.isNaN(wanted)) expect(u).toBeNaN();
        else expect(Math.abs(u - wanted)).toBeLessThan(AUTOREGRESSION_ERROR); // in SDs of the factor
      });
    }
  });

  it('expects the mean of a factor that training never saw', () => {
    const inputs = { ...panel.inputs, values: panel.inputs.values.slice() };
    for (let row = 0; row < trainEnd; row++) inputs.values[row * factors] = Number.NaN;
    const u = new FactorVar(inputs, fold.train).innovation(inputs, trainEnd + 1);
    // Mean 0 and SD 1 by convention: the innovation is the value itself.
    expect(u[0]).toBe(inputs.values[(trainEnd + 1) * factors]);
    expect(Number.isFinite(u[1])).toBe(true);
  });
});

describe('scoreForecasts', () => {
  it('matches the golden scores of every asset, missing returns and factors included', async () => {
    const scored = scoreForecasts([await forecastFold(fitted, panel, fold)]);
    golden.fold.scores.forEach((expected, asset) => {
      for (const label of [0, 'all'] as const) {
        const row = scored.find((candidate) => candidate.asset === asset && candidate.fold === label)!;
        expect(row.n).toBe(expected.n);
        expectClose(row.r2Oos, expected.r2Oos, STATISTIC_ERROR);
        expectClose(row.hedgeVarianceReduction, expected.hedgeVarianceReduction, AUTOREGRESSION_ERROR);
        expectClose(row.dmStat, expected.dmStat, STATISTIC_ERROR);
        expectClose(row.dmPValue, expected.dmPValue, STUDENT_ERROR);
        expectClose(row.cwStat, expected.cwStat, STATISTIC_ERROR);
        expectClose(row.cwPValue, expected.cwPValue, STUDENT_ERROR);
      }
    });
  });

  it('gives the universe the mean of its assets, whatever their volatility', () => {
    const wild = invented('ols', 0, [0.01, 100]);
    const scored = scoreForecasts([wild]);
    const of = (asset: number | 'all') => scored.find((row) => row.asset === asset && row.fold === 0)!;
    expect(of('all').r2Oos).toBeCloseTo((of(0).r2Oos + of(1).r2Oos) / 2, 12);
    expect(of('all').n).toBe(of(0).n + of(1).n);
  });

  it('pools folds by their rows, not by their scores', () => {
    const scored = scoreForecasts([invented('ols', 0, [1, 1]), invented('ols', 1, [3, 3])]);
    const of = (label: number | 'all') => scored.find((row) => row.asset === 1 && row.fold === label)!;
    expect(of('all').n).toBe(of(0).n + of(1).n);
    // Fold 1 has nine times the squared returns of fold 0, and so nine times the weight.
    expect(of('all').r2Oos).toBeCloseTo((of(0).r2Oos + 9 * of(1).r2Oos) / 10, 12);
  });

  it('gives forecasts of the training mean a score of zero and no test', () => {
    const mean = invented('zero', 0, [1, 1], 0);
    const row = scoreForecasts([mean])[0];
    expect(row).toMatchObject({ r2Oos: 0, dmStat: Number.NaN, cwStat: Number.NaN });
  });

  it('does not hedge forecasts of later returns', async () => {
    const forecast = await forecastFold(fitted, { ...panel, horizon: 1 }, fold);
    expect(scoreForecasts([forecast]).every((row) => Number.isNaN(row.hedgeVarianceReduction))).toBe(true);
  });
});

describe('compareMethods', () => {
  const good = invented('lstm', 0, [1, 2], 0.8);
  const poor = invented('ols', 0, [1, 2], 0.2);

  it('is positive for the better method and antisymmetric', () => {
    const forward = compareMethods([good, poor], 'lstm', 'ols');
    const backward = compareMethods([good, poor], 'ols', 'lstm');
    expect(forward.map((row) => row.asset)).toEqual([0, 1, 'all']);
    forward.forEach((row, i) => {
      expect(row.dmStat).toBeGreaterThan(2);
      expect(row.dmStat).toBeCloseTo(-backward[i].dmStat, 10);
    });
  });

  it('uses only rows that both methods forecast', () => {
    const holed = { ...good, predicted: good.predicted.map((x, i) => (i < 10 ? Number.NaN : x)) };
    expect(compareMethods([holed, poor], 'ols', 'lstm')[0].n).toBe(poor.realised.length / 2 - 5);
  });

  it('finds the best of the methods that stand for election', () => {
    const rows = scoreForecasts([good, poor]);
    expect(bestMethod(rows, ['ols', 'lstm'])).toBe('lstm');
    expect(bestMethod(rows, ['ols'])).toBe('ols');
    expect(bestMethod(rows, ['zero'])).toBeUndefined();
  });
});

/** A fold of 60 rows and two assets whose forecasts catch the given share of a wave, around training means of 0. */
function invented(method: MethodId, index: number, scale: readonly number[], share = 0.5): FoldForecast {
  const start = 240 + 60 * index;
  const length = 60 * scale.length;
  const noise = (i: number) => Math.sin(i * i);
  const signal = (i: number) => Math.cos(0.7 * i);
  const size = (i: number) => scale[i % scale.length];
  return {
    method,
    fold: { index, train: { start: 0, end: start }, test: { start, end: start + 60 } },
    assets: scale.length,
    horizon: 0,
    realised: Float64Array.from({ length }, (_, i) => size(i) * (signal(i) + 0.3 * noise(i))),
    predicted: Float64Array.from({ length }, (_, i) => size(i) * share * signal(i)),
    trainingMean: new Float64Array(scale.length),
    hedged: new Float64Array(length).fill(Number.NaN),
  };
}
