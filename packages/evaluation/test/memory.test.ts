import { readFileSync } from 'node:fs';
import { type LstmParameters, monthEndOfIndex, Random } from '@macrograd/core';
import { lagProfile } from '@macrograd/exposure';
import { effectiveMemory, lstmEstimator } from '@macrograd/model';
import { expect, it } from 'vitest';
import { simulatedPanel } from '../src/simulation/simulated_panel.js';

/** What PyTorch's networks made of the same factors and coefficients: test/reference/memory_golden.py. */
interface Golden {
  readonly lag: number;
  readonly train: number;
  readonly r2: number;
  readonly factors: number;
  readonly z: readonly number[];
  readonly b: readonly number[];
  readonly rnn: { readonly profile: readonly number[] };
  readonly lstm: { readonly profile: readonly number[] };
}

const golden = JSON.parse(readFileSync(new URL('golden/memory.json', import.meta.url), 'utf8')) as Golden;
const { lag, train, r2, factors, z, b } = golden;
const rows = z.length / factors;
const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
const planted = mean(b);

/** Monthly returns in decimals, of which the first factor of so many months ago explains `r2`. */
function panel(delay: number) {
  const random = new Random(24);
  const returns = new Float64Array(rows * b.length);
  for (let t = 0; t < rows; t++) {
    b.forEach((own, asset) => {
      const signal = t < delay ? 0 : own * z[(t - delay) * factors];
      const noise = Math.abs(own) * Math.sqrt((1 - r2) / r2) * random.normal();
      returns[t * b.length + asset] = 0.01 * (signal + noise);
    });
  }
  const axis = { frequency: 'M', dates: Int32Array.from({ length: rows }, (_, t) => monthEndOfIndex(t)) } as const;
  const meta = (name: string) => ({ name, role: 'factor', unit: 'pp', transform: 'diff', releaseLag: 0 }) as const;
  const series = ['PLANTED', 'OTHER'].map((name) => ({ ...meta(name), source: 'simulated' }));
  return simulatedPanel({ axis, factors: series, values: Float64Array.from(z) }, returns, b.length);
}

/** Nine seconds of processor time; the suite shares its cores. */
const TIMEOUT = 240_000;

/** Share of the planted effect that a network must find to count as having recovered it, and most that counts as none. */
const RECOVERED = 0.7;
const NOTHING = 0.1;

it(
  "an effect 24 months back is recovered by the LSTM and by PyTorch's LSTM, and not by a plain RNN",
  async () => {
    expect(golden.lstm.profile[lag]).toBeGreaterThan(RECOVERED * planted);
    expect(Math.abs(golden.rnn.profile[lag])).toBeLessThan(NOTHING * planted);
    const data = panel(lag);
    // Of windows of 1 and of 25 months left-out rows choose the one that reaches back to it.
    const fitted = await lstmEstimator({ lookback: [1, lag + 1] }).fit(data, { start: 0, end: train }, { seed: 1 });
    expect(fitted.diagnostics.facts.lookback).toBe(lag + 1);
    const later = { start: train, end: rows };
    const { exposure, lags, peakLag } = await lagProfile(fitted, data.inputs, later);
    const { sd } = fitted.parameters().scaler;
    const at = (asset: number, k: number) => (100 * exposure[asset * factors * lags + k]) / sd[0];
    // Asset by asset the peak is at the planted lag, and the mean response has most of its size there.
    b.forEach((_, asset) => {
      expect(peakLag[asset * factors]).toBe(lag);
    });
    expect(mean(b.map((_, asset) => at(asset, lag)))).toBeGreaterThan(RECOVERED * planted);
    const others = Array.from({ length: lag }, (_, k) => Math.abs(mean(b.map((__, asset) => at(asset, k)))));
    expect(Math.max(...others)).toBeLessThan((1 - RECOVERED) * planted);
    // The forget gates say the same: more of the window's start is left than in a network fitted to an effect at once.
    const long = await effectiveMemory(fitted.parameters() as LstmParameters, data.inputs, later);
    const at0 = await lstmEstimator({ lookback: lag + 1 }).fit(panel(0), { start: 0, end: train }, { seed: 1 });
    const short = await effectiveMemory(at0.parameters() as LstmParameters, data.inputs, later);
    expect(long.periods).toBeGreaterThan(short.periods);
    expect(long.retention[lag]).toBeGreaterThan(short.retention[lag]);
  },
  TIMEOUT,
);
