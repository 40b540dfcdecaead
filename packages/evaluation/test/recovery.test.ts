import { ewmOlsEstimator, olsEstimator, rollingOlsEstimator, zeroEstimator } from '@macrograd/linear';
import { lstmEstimator } from '@macrograd/model';
import { describe, expect, it } from 'vitest';
import { type ProcessId, type RecoveryRow, runRecovery } from '../src/index.js';

/** Mean over seeds of a figure of one method. */
function average(rows: readonly RecoveryRow[], method: string, figure: 'score' | 'coverage'): number {
  const mine = rows.filter((row) => row.method === method).map((row) => row[figure]);
  return mine.reduce((sum, x) => sum + x, 0) / mine.length;
}

async function recover(process: ProcessId, seeds: readonly number[], estimators = [olsEstimator()], assets = 100) {
  const rows: RecoveryRow[] = [];
  for (const seed of seeds) rows.push(...(await runRecovery({ process, seed, estimators, assets })));
  return rows;
}

describe('static OLS at R2 .3, 600 months', () => {
  /**
   * Scores of an independent implementation of the same processes (means over four histories), and the distance that
   * two such means may have: three standard errors, from the spread over histories.
   */
  const known: [ProcessId, number, number][] = [
    ['const', 0.39, 0.03],
    ['random_walk', 0.68, 0.12],
    ['threshold', 1.01, 0.25],
    ['lags', 1.88, 0.15],
    ['interaction', 0.97, 0.1],
    ['mixed', 1.06, 0.1],
    ['path', 0.96, 0.15],
  ];

  it.each(known)('scores in the %s world about %f', async (process, score, distance) => {
    const rows = await recover(process, [1, 2, 3, 4]);
    expect(Math.abs(average(rows, 'ols', 'score') - score)).toBeLessThan(distance);
  });
});

describe('traditional methods in the linear world', () => {
  it('rank: all data, and as good weighted with a half-life by validation, then no exposure and a 60-month window', async () => {
    const estimators = [zeroEstimator(), olsEstimator(), ewmOlsEstimator(), rollingOlsEstimator()];
    const rows = await recover('const', [1, 2], estimators, 60);
    const score = (method: string) => average(rows, method, 'score');
    // Validation takes the longest of its half-lives, and shrinkage gives back what weights of 208 months cost.
    expect(score('ewm_ols')).toBeLessThan(1.05 * score('ols'));
    expect(score('ewm_ols')).toBeLessThan(score('zero') / 2);
    expect(score('rolling_ols')).toBeGreaterThan(3 * score('ols'));
    // Truth constant, noise normal: the 90 % interval is right, up to HAC errors of 600 coefficients.
    expect(Math.abs(average(rows, 'ols', 'coverage') - 0.9)).toBeLessThan(0.03);
  });

  it('describes its world in every row', async () => {
    const short = await runRecovery({
      process: 'const',
      seed: 1,
      estimators: [olsEstimator()],
      assets: 5,
      months: 200,
    });
    expect(short[0]).toMatchObject({ months: 200, assets: 5, r2: 0.3, kind: 'contemporaneous', method: 'ols' });
    expect(short[0].factors).toHaveLength(6);
  });
});

describe('the LSTM with closed-form heads at R2 .3, 600 months and 80 assets', () => {
  /**
   * Largest allowed score over that of static OLS, means over two histories. Measured: .93 in the linear world, .31 at
   * the threshold and .23 with the interaction; 40 assets would pool too little (.64 in one threshold world).
   */
  const bounds: [ProcessId, number][] = [
    ['const', 1],
    ['threshold', 0.5],
    ['interaction', 0.5],
  ];
  /** Six seconds a fit on one free core; the suite shares its cores. */
  const TIMEOUT = 240_000;

  it.each(bounds)(
    'has in the %s world at most %f times the error of OLS',
    async (process, bound) => {
      const rows = await recover(process, [2, 3], [olsEstimator(), lstmEstimator()], 80);
      expect(average(rows, 'lstm', 'score')).toBeLessThanOrEqual(bound * average(rows, 'ols', 'score'));
      if (process !== 'const') {
        const lstm = rows.filter(({ method }) => method === 'lstm');
        // Measured .97 to .99: the path over time is right, not the mean alone.
        for (const { withinCorrelation } of lstm) expect(withinCorrelation).toBeGreaterThan(0.9);
      }
    },
    TIMEOUT,
  );
});
