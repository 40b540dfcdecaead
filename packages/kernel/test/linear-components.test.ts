import { Random } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { componentHeads } from '../src/index.js';

const [ROWS, ASSETS, COLUMNS] = [150, 30, 8];
/** One own feature, four that act through one profile, three that do nothing. */
const group = [0, 1, 1, 1, 1, 2, 2, 2];
const profile = [0.5, 0.7, 0.4, -0.2];

const random = new Random(5);
const design = Float64Array.from({ length: ROWS * COLUMNS }, () => random.normal());
const truth = Float64Array.from({ length: ASSETS }, () => 0.2 + 0.3 * random.normal());
const returns = Float64Array.from({ length: ROWS * ASSETS }, (_, at) => {
  const [row, asset] = [Math.floor(at / ASSETS), at % ASSETS];
  const x = design.subarray(row * COLUMNS, (row + 1) * COLUMNS);
  const explained = truth[asset] * profile.reduce((sum, p, j) => sum + p * x[1 + j], 0.3 * x[0]);
  return explained + 0.8 * random.normal();
});
const panel = { design, returns, rows: ROWS, columns: COLUMNS, assets: ASSETS };

describe('componentHeads', () => {
  it('finds the profile that assets share, each with a score of its own', async () => {
    const { heads, rank, covariance } = await componentHeads(panel, { group, components: 2 });
    expect(rank).toBe(2);
    expect(covariance).toHaveLength(COLUMNS * COLUMNS);
    let [off, nothing] = [0, 0];
    for (let asset = 0; asset < ASSETS; asset++) {
      profile.forEach((p, j) => {
        off += (heads[asset * COLUMNS + 1 + j] - truth[asset] * p) ** 2 / (4 * ASSETS);
      });
      for (let j = 5; j < COLUMNS; j++) nothing += heads[asset * COLUMNS + j] ** 2 / (3 * ASSETS);
    }
    // A regression of every asset's own has .8 / sqrt(150) = .065 on each.
    expect(Math.sqrt(off)).toBeLessThan(0.065 * 0.7);
    expect(Math.sqrt(nothing)).toBeLessThan(0.065 / 4);
  });

  it('has the same bits on one thread and on two, and does not see what changes while it works', async () => {
    const changing = { ...panel, returns: returns.slice() };
    const work = componentHeads(changing, { group, threads: 2 });
    changing.returns.fill(0);
    expect((await work).heads).toEqual((await componentHeads(panel, { group, threads: 1 })).heads);
  });

  it('refuses options that make no sense, and stops when it is told to', async () => {
    expect(() => componentHeads(panel, { group, components: 0 })).toThrow(/components is 0/);
    await expect(componentHeads(panel, { group: [1, 1, 1, 1, 1, 1, 1, 1] })).rejects.toThrow(/group/);
    await expect(componentHeads(panel, { group, scale: group.map(() => -1) })).rejects.toThrow(/scale/);
    await expect(componentHeads(panel, { group, signal: AbortSignal.abort() })).rejects.toThrow(/cancel/i);
  });
});
