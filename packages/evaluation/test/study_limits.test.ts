import { describe, expect, it } from 'vitest';
import { judgeQuickStudy, quickCells, type StudyMethod, type StudyRow } from '../src/index.js';

/** Rows of all worlds with these figures of the LSTM; the oracle's error is 1. */
function rows(score: number, coverage: number): StudyRow[] {
  return quickCells().flatMap((cell) =>
    (['lstm_kalman', 'oracle'] as const).map((method: StudyMethod) => ({
      ...cell,
      method,
      regimeShare: Number.NaN,
      score: method === 'oracle' ? 1 : score,
      withinCorrelation: 1,
      coverage,
      factors: [],
    })),
  );
}

const failed = (given: readonly StudyRow[]) => judgeQuickStudy(given).filter(({ passed }) => !passed);

describe('the limits of the quick study', () => {
  it("hold every process, and are kept by the oracle's error with right intervals", () => {
    const verdicts = judgeQuickStudy(rows(0.8, 0.9));
    expect(verdicts.map(({ process }) => process)).toEqual([...quickCells().map(({ process }) => process), 'all']);
    expect(failed(rows(0.8, 0.9))).toEqual([]);
  });

  it("are left by errors of three times the oracle's, by intervals that are too narrow, and by ones that hold all", () => {
    expect(failed(rows(3, 0.9))).toContainEqual(expect.objectContaining({ process: 'all' }));
    expect(failed(rows(0.8, 0.3))).toHaveLength(quickCells().length + 1);
    expect(failed(rows(0.8, 1))).toHaveLength(quickCells().length + 1);
  });

  it('are left where nothing was fitted, a world is missing, or a figure is no number', () => {
    expect(failed([])).toHaveLength(quickCells().length + 1);
    expect(failed(rows(0.8, 0.9).filter(({ process }) => process !== 'lags')).map(({ process }) => process)).toEqual([
      'lags',
      'all',
    ]);
    expect(failed(rows(Number.NaN, 0.9))).toHaveLength(quickCells().length + 1);
    expect(failed(rows(0.8, Number.NaN))).toHaveLength(quickCells().length + 1);
  });
});
