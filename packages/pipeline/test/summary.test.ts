import type { AssetMeta, MethodId } from '@macrograd/core';
import type { Choice } from '@macrograd/evaluation';
import { describe, expect, it } from 'vitest';
import { type MethodSummary, summaryCells } from '../src/stages/summary.js';

const assets: AssetMeta[] = ['A', 'B', 'C'].map((name) => ({ name, source: 'test', labels: [] }));

/** A summary of three assets and one factor with the given p-values. */
function summary(method: MethodId, pValues: number[]): MethodSummary {
  const column = Float64Array.from(pValues);
  const factors = [
    { name: 'F', role: 'factor', unit: 'pp', transform: 'diff', releaseLag: 0, source: 'test' },
  ] as const;
  const numbers = {
    meanExposure: column,
    latestExposure: column,
    unitExposure: column,
    se: column,
    lo: column,
    hi: column,
  };
  return {
    method,
    factors,
    level: 0.9,
    ...numbers,
    sign: new Int8Array(3),
    pValue: column,
    qValue: column,
    selected: new Uint8Array(3),
    status: ['ok', 'ok', 'ok'],
    peakLag: column,
    halfLife: column,
    regime: { share: 1, inRegime: true, variable: 'F' },
    profile: {} as MethodSummary['profile'],
    states: [],
  };
}

it('screens the chosen mix over all pairs, those without exposure included', () => {
  const choice = (asset: number, method: MethodId): Choice => ({
    asset,
    fit: 'final',
    method,
    weight: 1,
    score: 0,
    reason: '',
  });
  const summaries = [summary('zero', [Number.NaN, Number.NaN, Number.NaN]), summary('ols', [0.04, 0.5, 0.9])];
  const chosen = summaryCells(summaries, [choice(0, 'ols'), choice(1, 'zero'), choice(2, 'zero')], assets).slice(6);
  expect(chosen.map(({ method, origin }) => `${method} ${origin}`)).toEqual([
    'chosen ols',
    'chosen zero',
    'chosen zero',
  ]);
  // .04 times three pairs, not one, and the adaptive procedure's 1.1: not selected at .10, though it would be alone.
  expect(chosen[0].qValue).toBeCloseTo(0.132, 12);
  expect(chosen.map(({ selected }) => selected)).toEqual([false, false, false]);
  expect(chosen[1].qValue).toBeNaN();
});

describe('a stack of methods', () => {
  /** Asset A: `weight` of least squares, which is sure of .8 (its interval has no width), the rest no exposure. */
  const stacked = (weight: number) => {
    const choice = (method: MethodId, own: number): Choice => {
      return { asset: 0, fit: 'final', method, weight: own, score: 0, reason: '' };
    };
    const summaries = [summary('zero', [0, 0, 0]), summary('ols', [0.8, 0.8, 0.8])];
    const [cell] = summaryCells(summaries, [choice('ols', weight), choice('zero', 1 - weight)], assets).slice(6);
    return cell;
  };

  it('has the interval of model averaging, which leaves 0 out only where little weight is without exposure', () => {
    const { meanExposure, lo, hi, sign } = stacked(0.6);
    expect(meanExposure).toBeCloseTo(0.48, 12);
    // Apart by .32 with weight .6 and by .48 with weight .4.
    expect(hi - meanExposure).toBeCloseTo(1.6448536269514722 * 0.384, 9);
    expect([lo < 0, sign]).toEqual([true, 0]);
    expect(stacked(0.9).sign).toBe(1);
  });

  it('claims nothing where most of it is no exposure', () => {
    const [most, half] = [stacked(0.49), stacked(0.5)];
    expect([most.origin, most.selected]).toEqual(['zero', false]);
    expect(most.qValue).toBeNaN();
    expect(half.origin).toBe('ols');
    expect(half.qValue).not.toBeNaN();
  });
});
