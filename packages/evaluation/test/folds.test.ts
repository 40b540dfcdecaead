import { InputError } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { TRIAL, walkForwardFolds } from '../src/index.js';

describe('walkForwardFolds', () => {
  it('expands the training span and tiles the rest of the panel with test rows', () => {
    const { folds, note } = walkForwardFolds(753);
    expect(note).toBeUndefined();
    expect(folds).toHaveLength(9);
    folds.forEach((fold, k) => {
      expect(fold.index).toBe(k);
      expect(fold.train).toEqual({ start: 0, end: 240 + 60 * k });
      expect(fold.test.start).toBe(fold.train.end);
    });
    expect(folds[8].test).toEqual({ start: 720, end: 753 });
  });

  it('keeps a last partial fold of 12 rows and drops one of 11', () => {
    expect(walkForwardFolds(372).folds.at(-1)?.test).toEqual({ start: 360, end: 372 });
    expect(walkForwardFolds(371).folds.at(-1)?.test).toEqual({ start: 300, end: 360 });
  });

  it('purges horizon - 1 rows, so that the last training target is known when the first test forecast is made', () => {
    for (const [horizon, purge] of [
      [0, 0],
      [1, 0],
      [12, 11],
    ]) {
      const { folds } = walkForwardFolds(400, { horizon });
      for (const { train, test } of folds) {
        expect(test.start - train.end).toBe(purge);
        // The target of training row t is the return over t+1..t+horizon.
        expect(train.end - 1 + horizon).toBeLessThanOrEqual(test.start);
      }
    }
    expect(walkForwardFolds(400, { purge: 3 }).folds[0].train.end).toBe(237);
  });

  it('shrinks its defaults on a short panel and says so, but never a size that was asked for', () => {
    const short = walkForwardFolds(120);
    expect([short.initial, short.step]).toEqual([72, 12]);
    expect(short.note).toMatch(/120 periods.*trains on 72, each tests on 12/);
    expect(() => walkForwardFolds(120, { initial: 240, step: 60 })).toThrow(InputError);
    expect(walkForwardFolds(120, { initial: 60, step: 20 })).toMatchObject({ initial: 60, step: 20, note: undefined });
  });

  it('has a trial inside the first training span, purged like the folds, unless that span is too short for one', () => {
    const { trial } = walkForwardFolds(753);
    expect(trial).toEqual({ index: TRIAL, train: { start: 0, end: 180 }, test: { start: 180, end: 240 } });
    const ahead = walkForwardFolds(400, { horizon: 12 });
    expect(ahead.trial!.test.start - ahead.trial!.train.end).toBe(11);
    expect(ahead.trial!.test.end).toBe(ahead.folds[0].train.end);
    expect(walkForwardFolds(120, { initial: 48, step: 12 }).trial?.train.end).toBe(36);
    expect(walkForwardFolds(120, { initial: 47, step: 12 }).trial).toBeUndefined();
  });

  it('refuses in words what can not be evaluated', () => {
    expect(() => walkForwardFolds(40)).toThrow(
      /40 periods are too few to train on 36 and test on 12; use a longer span/,
    );
    expect(() => walkForwardFolds(500, { initial: 0 })).toThrow(/make no sense; give whole numbers/);
    expect(() => walkForwardFolds(500, { initial: 40, horizon: 12 })).toThrow(/first fold would train on 29 periods/);
  });
});
