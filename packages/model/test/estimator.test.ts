import { type Estimator, type Fitted, type LstmParameters, Random } from '@macrograd/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { fromParameters, guardedLstmEstimator, type LstmEstimatorOptions, lstmEstimator } from '../src/index.js';
import {
  ASSETS,
  at,
  collect,
  DIFFERENCE_TOLERANCE,
  differenceError,
  disturbed,
  LATE_ASSET,
  LATE_FACTOR,
  LATE_START,
  ROWS,
  THIN_ASSET,
  THRESHOLD,
  TRAIN,
  thresholdError,
  UNSEEN_FACTOR,
  world,
} from './world.js';

const { panel, truth } = world();
const small: LstmEstimatorOptions = { hiddenSize: 6, lookback: 4, members: 2, longSteps: 60 };
const everything = { start: 0, end: ROWS };
let fitted: Fitted;

beforeAll(async () => {
  fitted = await lstmEstimator(small).fit(panel, TRAIN, { seed: 3 });
});

const straight: Estimator = {
  method: 'ols',
  fit: async (of) => ({
    method: 'ols',
    predict: async (inputs, span, assets = { start: 0, end: of.assets.length }) => {
      const count = assets.end - assets.start;
      const value = (i: number) => 0.01 * inputs.values[(span.start + Math.floor(i / count)) * inputs.factors.length];
      const values = Float64Array.from({ length: (span.end - span.start) * count }, (_, i) => value(i));
      return { span, assets, values };
    },
    async *jacobian(_, span, options = {}) {
      const { assets = { start: 0, end: of.assets.length } } = options;
      const dates = options.average ? 1 : span.end - span.start;
      const shape = { assets, span, dates, lags: 1, factors: 4 };
      const length = (assets.end - assets.start) * dates * 4;
      const values = Float64Array.from({ length }, (_, i) => (i % 4 === 0 ? 0.03 : 0));
      yield { ...shape, values, variance: new Float64Array(length).fill(1e-8) };
    },
    parameters: () => fitted.parameters(),
    diagnostics: fitted.diagnostics,
  }),
};

describe('fit', () => {
  it('changes no bit of parameters, diagnostics or history when everything after the span is disturbed', async () => {
    const changed = disturbed(panel, TRAIN.end);
    const after = await lstmEstimator(small).fit(changed, TRAIN, { seed: 3 });
    expect(after.parameters()).toEqual(fitted.parameters());
    expect(after.diagnostics).toEqual(fitted.diagnostics);
    expect(await after.predict(changed.inputs, TRAIN)).toEqual(await fitted.predict(panel.inputs, TRAIN));
  });

  it('has the same bits on one thread and on two, and others for another seed', async () => {
    const one = await lstmEstimator({ ...small, threads: 1 }).fit(panel, TRAIN, { seed: 3 });
    const two = await lstmEstimator({ ...small, threads: 2 }).fit(panel, TRAIN, { seed: 3 });
    const other = await lstmEstimator(small).fit(panel, TRAIN, { seed: 4 });
    expect(two.parameters()).toEqual(one.parameters());
    expect(other.parameters()).not.toEqual(one.parameters());
  });

  it('says which assets it could not fit, and with what remedy', () => {
    const { status, observations } = fitted.diagnostics;
    expect(status.map((note) => note.status)).toEqual(
      Array.from({ length: ASSETS }, (_, i) => (i === THIN_ASSET ? 'too_few_observations' : 'ok')),
    );
    expect(status[THIN_ASSET].remedy).toContain('20 training returns');
    expect(observations[LATE_ASSET]).toBe(TRAIN.end - 40);
  });

  it('compares the lookbacks of a list, in any order, that the span holds twice', async () => {
    const given = [90, 12, 1, 6, 12];
    const { facts } = (
      await lstmEstimator({ ...small, steps: 20, longSteps: 20, lookback: given }).fit(panel, TRAIN, { seed: 1 })
    ).diagnostics;
    const compared = Object.keys(facts).filter((name) => name.startsWith('validation_error_lookback_'));
    expect(compared).toEqual([1, 6, 12].map((length) => `validation_error_lookback_${length}`));
    const errors = [1, 6, 12].map((length) => facts[`validation_error_lookback_${length}`]);
    const best = errors.reduce((at, error, i) => (error < errors[at] - 0.01 * Math.max(0, 1 - errors[at]) ? i : at), 0);
    expect(facts.lookback).toBe([1, 6, 12][best]);
  });

  it.each([[[]], [[12, 0]], [1.5], [[1, 2.5]]])('refuses %o for lookbacks', async (lookback) => {
    const fit = lstmEstimator({ ...small, lookback }).fit(panel, TRAIN, { seed: 1 });
    await expect(fit).rejects.toThrow(/lookback is .*; give integers of at least 1, or auto/);
  });

  it('tries lookbacks 1 and 36 by itself and reports the validation error of both', async () => {
    const auto = await lstmEstimator({ hiddenSize: 4, members: 1, steps: 20, longSteps: 10 }).fit(panel, TRAIN, {
      seed: 1,
    });
    const { facts } = auto.diagnostics;
    const errors = [facts.validation_error_lookback_1, facts.validation_error_lookback_36];
    expect(facts.validation_error).toBe(Math.min(...errors));
    expect(facts.lookback).toBe(errors[0] <= errors[1] ? 1 : 36);
  });

  it('learns from and predicts on inputs within its limit alone', async () => {
    const rows = { start: TRAIN.end, end: ROWS };
    const { scaler } = fitted.parameters();
    const far = (limit: number) =>
      panel.inputs.values.map((x, i) => {
        const j = i % panel.inputs.factors.length;
        return i < TRAIN.end * panel.inputs.factors.length || Number.isNaN(x)
          ? x
          : scaler.mean[j] + limit * scaler.sd[j];
      });
    const at = async (limit: number) => (await fitted.predict({ ...panel.inputs, values: far(limit) }, rows)).values;
    expect(fitted.parameters()).toMatchObject({ inputLimit: 3 });
    expect(await at(10)).toEqual(await at(3.5));
    expect(await at(2.9)).not.toEqual(await at(3.5));
    await expect(lstmEstimator({ inputLimit: 0.5 }).fit(panel, TRAIN, { seed: 1 })).rejects.toThrow(
      /inputLimit is 0.5/,
    );
  });

  it('stops when asked and reports progress', async () => {
    const stop = new AbortController();
    const seen: number[] = [];
    const onProgress = (fraction: number) => {
      seen.push(fraction);
      stop.abort();
    };
    const long = lstmEstimator({ lookback: 36, longSteps: 100_000 });
    await expect(long.fit(panel, TRAIN, { seed: 1, signal: stop.signal, onProgress })).rejects.toThrow('cancelled');
    expect(seen.length).toBeGreaterThan(0);
  });

  it('finds an exposure that changes sign with its own level, which no straight line can', async () => {
    const state = await lstmEstimator({ lookback: 1, members: 2, steps: 300 }).fit(panel, TRAIN, { seed: 1 });
    const later = { start: TRAIN.end, end: ROWS };
    const [block] = await collect(state.jacobian(panel.inputs, later, { form: 'contemporaneous' }));
    // A straight line has an error of about 1 here: the exposure is about 0 on average.
    expect(thresholdError(block, truth)).toBeLessThan(0.6);
  });
});

describe('read-out', () => {
  it('agrees with central differences of the predictions at every lag', async () => {
    const row = 160;
    const [block] = await collect(fitted.jacobian(panel.inputs, { start: row, end: row + 1 }));
    expect(block.lags).toBe(13);
    expect(await differenceError(fitted, panel.inputs, row, [0, 1, 3, 4, 12])).toBeLessThan(DIFFERENCE_TOLERANCE);
  });

  it('has NaN for unknown factors, missing dates and assets without a fit, and numbers elsewhere', async () => {
    const span = { start: LATE_START - 2, end: LATE_START + 3 };
    const [block] = await collect(fitted.jacobian(panel.inputs, span));
    for (let asset = 0; asset < ASSETS; asset++) {
      for (let date = 0; date < block.dates; date++) {
        for (let lag = 0; lag < block.lags; lag++) {
          const seen = span.start + date - lag >= LATE_START;
          const wanted = [true, true, seen, false].map((known) => known && asset !== THIN_ASSET);
          const got = wanted.map((_, factor) => !Number.isNaN(at(block, asset, date, lag, factor)));
          expect(got).toEqual(wanted);
        }
      }
    }
    expect(at(block, 0, 0, 0, UNSEEN_FACTOR)).toBeNaN();
  });

  it('sums lags, picks lag 0 and averages observed dates, with positive variances', async () => {
    const span = { start: 20, end: 60 };
    const read = async (form: 'lags' | 'cumulative' | 'contemporaneous', average = false) =>
      (await collect(fitted.jacobian(panel.inputs, span, { form, average })))[0];
    const [lags, sum, now, mean] = [
      await read('lags'),
      await read('cumulative'),
      await read('contemporaneous'),
      await read('cumulative', true),
    ];
    let [total, count] = [0, 0];
    for (let date = 0; date < lags.dates; date++) {
      const parts = Array.from({ length: lags.lags }, (_, lag) => at(lags, 5, date, lag, 0));
      expect(at(sum, 5, date, 0, 0)).toBeCloseTo(
        parts.reduce((a, b) => a + b, 0),
        12,
      );
      expect(at(now, 5, date, 0, 0)).toBeCloseTo(parts[0], 12);
      const late = at(sum, 5, date, 0, LATE_FACTOR);
      if (!Number.isNaN(late)) {
        total += late;
        count++;
      }
    }
    expect(count).toBe(60 - LATE_START);
    expect(at(mean, 5, 0, 0, LATE_FACTOR)).toBeCloseTo(total / count, 12);
    expect(at(mean, 5, 0, 0, LATE_FACTOR, mean.variance)).toBeGreaterThan(0);
  });

  it('gives the same bits again from plain parameters, and for a block of assets', async () => {
    const again = fromParameters(structuredClone(fitted.parameters()) as LstmParameters);
    expect(await again.predict(panel.inputs, everything)).toEqual(await fitted.predict(panel.inputs, everything));
    const span = { start: 25, end: 35 };
    expect(await collect(again.jacobian(panel.inputs, span))).toEqual(
      await collect(fitted.jacobian(panel.inputs, span)),
    );
    const [block] = await collect(fitted.jacobian(panel.inputs, span));
    const [part] = await collect(again.jacobian(panel.inputs, span, { assets: { start: 4, end: 6 } }));
    for (const asset of [4, 5]) expect(at(part, asset, 2, 1, 0)).toBe(at(block, asset, 2, 1, 0));
    expect(again.diagnostics.status.map((note) => note.status)[THIN_ASSET]).toBe('no_data');
  });

  it("predicts every asset's own mean return over the rows where it is observed, late starters too", async () => {
    const { values } = await fitted.predict(panel.inputs, TRAIN);
    for (const asset of [0, LATE_ASSET]) {
      let [predicted, realised] = [0, 0];
      for (let row = asset === LATE_ASSET ? 40 : 0; row < TRAIN.end; row++) {
        predicted += values[row * ASSETS + asset];
        realised += panel.returns[row * ASSETS + asset];
      }
      // Sums of 150 returns of order .02, whose intercept is concentrated out exactly.
      expect(predicted).toBeCloseTo(realised, 12);
    }
    expect(values[THIN_ASSET]).toBeNaN();
  });

  it('refuses inputs of other series in words', async () => {
    const factors = panel.inputs.factors.slice(1);
    await expect(fitted.predict({ ...panel.inputs, factors }, TRAIN)).rejects.toThrow('inputs have 5 series');
  });
});

describe('base', () => {
  /** Predicts 1 % a unit of factor 0 for every asset, at lag 0. */
  it('is taken off before the fit and added to predictions and exposures', async () => {
    const moved = panel.returns.map((value, i) => {
      const row = Math.floor(i / ASSETS);
      return value + 0.01 * panel.inputs.values[row * panel.inputs.factors.length];
    });
    const both = await lstmEstimator(small).fit({ ...panel, returns: moved }, TRAIN, { seed: 3, base: [straight] });
    const span = { start: 150, end: 155 };
    const [sum, alone] = [await both.predict(panel.inputs, span), await fitted.predict(panel.inputs, span)];
    const [[sumBlock], [aloneBlock]] = [
      await collect(both.jacobian(panel.inputs, span)),
      await collect(fitted.jacobian(panel.inputs, span)),
    ];
    // Taking the base off leaves the old returns up to rounding of 1e-17, which training can amplify.
    const TOLERANCE = 1e-4;
    const x = panel.inputs.values[150 * panel.inputs.factors.length];
    expect(Math.abs(sum.values[0] - alone.values[0] - 0.01 * x)).toBeLessThan(TOLERANCE);
    expect(Math.abs(at(sumBlock, 2, 1, 0, 0) - at(aloneBlock, 2, 1, 0, 0) - 0.03)).toBeLessThan(TOLERANCE);
    expect(Math.abs(at(sumBlock, 2, 1, 1, 0) - at(aloneBlock, 2, 1, 1, 0))).toBeLessThan(TOLERANCE);
  });
});

describe('heads that walk', () => {
  const ENCODER = 110;
  const kalman: LstmEstimatorOptions = { ...small, heads: 'kalman', encoderRows: ENCODER };
  const exposures = async (fit: Fitted, span: { start: number; end: number }) =>
    (await collect(fit.jacobian(panel.inputs, span, { form: 'contemporaneous' })))[0];

  it('give exposures that change no bit when returns after their row do', async () => {
    const cut = 130;
    const later = { ...panel, returns: panel.returns.map((x, i) => (i < cut * ASSETS ? x : -x)) };
    const seen = { start: 100, end: cut };
    const one = await lstmEstimator(kalman).fit(panel, TRAIN, { seed: 3 });
    const other = await lstmEstimator(kalman).fit(later, TRAIN, { seed: 3 });
    expect(await exposures(other, seen)).toEqual(await exposures(one, seen));
    const last = { start: TRAIN.end - 1, end: TRAIN.end };
    expect((await exposures(other, last)).values).not.toEqual((await exposures(one, last)).values);
  });

  it('hold their last value after the span, and a span may reach across its end', async () => {
    const fit = await lstmEstimator(kalman).fit(panel, TRAIN, { seed: 3 });
    const across = await exposures(fit, { start: TRAIN.end - 2, end: TRAIN.end + 3 });
    const before = await exposures(fit, { start: TRAIN.end - 2, end: TRAIN.end });
    const after = await exposures(fit, { start: TRAIN.end, end: TRAIN.end + 3 });
    for (let asset = 0; asset < ASSETS; asset++) {
      for (let date = 0; date < 5; date++) {
        const part = date < 2 ? at(before, asset, date, 0, 0) : at(after, asset, date - 2, 0, 0);
        expect(at(across, asset, date, 0, 0)).toBe(part);
      }
    }
    const again = fromParameters(fit.parameters() as LstmParameters);
    expect((await exposures(again, { start: TRAIN.end, end: TRAIN.end + 3 })).values).toEqual(after.values);
  });

  it('find a direct exposure that turns within the span; heads that stand still miss it', async () => {
    // Factor 0 is worth +.02 per SD to every asset up to row 75 and -.02 after it.
    const FIRST = 0;
    const turn = (row: number) => (row < 75 ? 0.02 : -0.02);
    const series = panel.inputs.factors.length;
    const returns = panel.returns.map((x, i) => {
      const row = Math.floor(i / ASSETS);
      return x + (turn(row) * (panel.inputs.values[row * series + FIRST] - 2)) / 3;
    });
    const last = { start: TRAIN.end - 1, end: TRAIN.end };
    const mean = async (options: LstmEstimatorOptions) => {
      const block = await exposures(await lstmEstimator(options).fit({ ...panel, returns }, TRAIN, { seed: 3 }), last);
      const values = Array.from({ length: ASSETS }, (_, asset) => at(block, asset, 0, 0, FIRST));
      const known = values.filter((x) => !Number.isNaN(x));
      return known.reduce((sum, x) => sum + x, 0) / known.length;
    };
    // Half the way back from the mean of the two regimes to the present one.
    expect(await mean({ ...small, heads: 'kalman' })).toBeLessThan(-0.01);
    expect(await mean(small)).toBeGreaterThan(-0.01);
  });

  it('carry the heads that stand still with them, those of a fit of the encoder rows alone to the bit', async () => {
    const { standing } = (await lstmEstimator(kalman).fit(panel, TRAIN, { seed: 3 })) as Fitted & { standing: Fitted };
    const alone = await lstmEstimator(small).fit(panel, { start: 0, end: ENCODER }, { seed: 3 });
    const span = { start: ENCODER, end: TRAIN.end };
    expect(await exposures(standing, span)).toEqual(await exposures(alone, span));
    expect(await standing.predict(panel.inputs, span)).toEqual(await alone.predict(panel.inputs, span));
  });

  it('average over dates what each date has', async () => {
    const fit = await lstmEstimator(kalman).fit(panel, TRAIN, { seed: 3 });
    const span = { start: 100, end: 150 };
    const [mean] = await collect(fit.jacobian(panel.inputs, span, { form: 'cumulative', average: true }));
    const [each] = await collect(fit.jacobian(panel.inputs, span, { form: 'cumulative' }));
    for (const factor of [0, THRESHOLD, LATE_FACTOR]) {
      const dates = Array.from({ length: 50 }, (_, date) => at(each, 2, date, 0, factor));
      // The same 50 numbers in another order of operations.
      expect(at(mean, 2, 0, 0, factor)).toBeCloseTo(dates.reduce((sum, x) => sum + x, 0) / 50, 14);
    }
  });

  it('refuse an encoder of fewer rows when they stand still', async () => {
    await expect(lstmEstimator({ encoderRows: 90 }).fit(panel, TRAIN, { seed: 1 })).rejects.toThrow(/encoderRows/);
  });
});

describe('a network that has to earn its place', () => {
  it('is kept where exposures move with the state, and dropped where the base explains all there is', async () => {
    const options = { base: straight, lookback: 1, members: 2, steps: 300, hiddenSize: 6 };
    const kept = await guardedLstmEstimator(options).fit(panel, TRAIN, { seed: 3 });
    expect(kept.diagnostics.facts.network_kept).toBe(1);
    expect(kept.diagnostics.facts.network_gain).toBeGreaterThan(0.1);
    const random = new Random(5);
    const series = panel.inputs.factors.length;
    const explained = panel.returns.map((x, i) => {
      const line = 0.01 * panel.inputs.values[Math.floor(i / ASSETS) * series];
      return Number.isNaN(x) ? x : line + 0.02 * random.normal();
    });
    const noise = { ...panel, returns: explained };
    const dropped = await guardedLstmEstimator(options).fit(noise, TRAIN, { seed: 3 });
    expect(dropped.diagnostics.facts.network_kept).toBe(0);
    expect(dropped.method).toBe('lstm');
    const later = { start: TRAIN.end, end: ROWS };
    const plain = await options.base.fit(noise, TRAIN, { seed: 3 });
    expect(await dropped.predict(panel.inputs, later)).toEqual(await plain.predict(panel.inputs, later));
  });

  it('never sees a return after the span', async () => {
    const options = { ...small, base: straight };
    const one = await guardedLstmEstimator(options).fit(panel, TRAIN, { seed: 3 });
    const other = await guardedLstmEstimator(options).fit(disturbed(panel, TRAIN.end), TRAIN, { seed: 3 });
    expect(other.diagnostics).toEqual(one.diagnostics);
    expect(other.parameters()).toEqual(one.parameters());
  });
});
