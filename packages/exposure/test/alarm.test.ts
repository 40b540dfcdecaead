import { describe, expect, it } from 'vitest';
import { monitorExposures } from '../src/index.js';
import { world } from './world.js';

const LEVEL = 0.1;
const ROWS = 400;
const train = { start: 0, end: 240 };
const watch = { start: 240, end: ROWS };

describe('monitorExposures', () => {
  it('raises any false alarm over all pairs no more often than asked', () => {
    const worlds = 60;
    let alarms = 0;
    for (let seed = 0; seed < worlds; seed++) {
      const panel = world(seed, 6, ROWS, (z, row) => 0.5 * z(row, 0) - 0.4 * z(row, 1));
      if (monitorExposures(panel, train, watch, { level: LEVEL }).row.some((row) => row >= 0)) alarms++;
    }
    // Two Monte Carlo errors above the level.
    expect(alarms).toBeLessThanOrEqual(worlds * LEVEL + 2 * Math.sqrt(worlds * LEVEL * (1 - LEVEL)));
  });

  it('sees an exposure turn, half of the time within four years, and never before', () => {
    const turn = 280;
    const delays = Array.from({ length: 11 }, (_, seed) => {
      const panel = world(seed, 2, ROWS, (z, row, asset) => (asset === 1 && row >= turn ? -1 : 1) * z(row, 1));
      const at = monitorExposures(panel, train, watch).row[5];
      return at < 0 ? ROWS : at - turn;
    });
    delays.sort((a, b) => a - b);
    expect(delays[0]).toBeGreaterThanOrEqual(0);
    expect(delays[5]).toBeLessThan(48);
  });

  it('knows nothing of rows after the alarm', () => {
    const panel = world(5, 2, ROWS, (z, row, asset) => (asset === 1 && row >= 280 ? -1 : 1) * z(row, 1));
    const at = monitorExposures(panel, train, watch).row[5];
    const later = { ...panel, returns: panel.returns.map((value, i) => (i >= 2 * (at + 1) ? value + 1000 : value)) };
    expect(monitorExposures(later, train, watch).row[5]).toBe(at);
    expect(() => monitorExposures(panel, train, { start: 100, end: 300 })).toThrow(/begins before training ends/);
  });
});
