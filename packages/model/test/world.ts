import {
  type FactorMeta,
  type FactorPanel,
  type Fitted,
  type JacobianBlock,
  monthEndOfIndex,
  type Panel,
  Random,
} from '@macrograd/core';

export const ROWS = 180;
export const TRAIN = { start: 0, end: 150 };
export const ASSETS = 14;
/** Asset whose returns start at row 40, and one with too few training returns. */
export const LATE_ASSET = 3;
export const THIN_ASSET = 7;
/** Factors: smooth, threshold, one that starts at row 30, one that is never observed; then a state and a control. */
export const THRESHOLD = 1;
export const LATE_FACTOR = 2;
export const UNSEEN_FACTOR = 3;
export const LATE_START = 30;

const roles = ['factor', 'factor', 'factor', 'factor', 'state', 'control'] as const;

function meta(index: number): FactorMeta {
  return { name: `X${index}`, role: roles[index], unit: 'pp', transform: 'none', releaseLag: 0, source: 'simulated' };
}

/** A universe in which factor 1 helps below 0 and hurts above, by asset more or less. */
export function world(seed = 1): { panel: Panel; truth: Float64Array } {
  const random = new Random(seed);
  const series = roles.length;
  const values = Float64Array.from({ length: ROWS * series }, (_, i) => 2 + 3 * ((i % series) + 1) * random.normal());
  const returns = new Float64Array(ROWS * ASSETS);
  const truth = new Float64Array(ROWS * ASSETS);
  const strength = Array.from({ length: ASSETS }, () => 1 + 0.3 * random.normal());
  for (let row = 0; row < ROWS; row++) {
    const z = (values[row * series + THRESHOLD] - 2) / 6;
    for (let asset = 0; asset < ASSETS; asset++) {
      // d/dz of -|z| smoothed: sqrt(z^2 + .1).
      truth[row * ASSETS + asset] = -0.02 * strength[asset] * (z / Math.sqrt(z * z + 0.1));
      const mean = -0.02 * strength[asset] * Math.sqrt(z * z + 0.1);
      returns[row * ASSETS + asset] = 0.005 + mean + 0.015 * random.normal();
    }
    if (row < 40) returns[row * ASSETS + LATE_ASSET] = Number.NaN;
    if (row < TRAIN.end - 20) returns[row * ASSETS + THIN_ASSET] = Number.NaN;
    if (row < LATE_START) values[row * series + LATE_FACTOR] = Number.NaN;
    values[row * series + UNSEEN_FACTOR] = Number.NaN;
  }
  const axis = { frequency: 'M', dates: Int32Array.from({ length: ROWS }, (_, t) => monthEndOfIndex(t)) } as const;
  const inputs: FactorPanel = { axis, factors: roles.map((_, i) => meta(i)), values };
  const assets = Array.from({ length: ASSETS }, (_, i) => ({ name: `A${i}`, source: 'simulated', labels: [] }));
  return { panel: { axis, inputs, assets, returns, horizon: 0 }, truth };
}

/** The panel with 1000 added to every value from row `from` on. */
export function disturbed(panel: Panel, from: number): Panel {
  const later = (values: Float64Array, columns: number) => values.map((x, i) => (i >= from * columns ? x + 1000 : x));
  const inputs = { ...panel.inputs, values: later(panel.inputs.values, panel.inputs.factors.length) };
  return { ...panel, inputs, returns: later(panel.returns, panel.assets.length) };
}

/** The inputs with one value moved. */
export function shocked(inputs: FactorPanel, row: number, column: number, step: number): FactorPanel {
  const values = inputs.values.slice();
  values[row * inputs.factors.length + column] += step;
  return { ...inputs, values };
}

export async function collect(blocks: AsyncIterable<JacobianBlock>): Promise<JacobianBlock[]> {
  const out: JacobianBlock[] = [];
  for await (const block of blocks) out.push(block);
  return out;
}

/** Value of a block at (asset, date, lag, factor). */
export function at(block: JacobianBlock, asset: number, date: number, lag: number, factor: number, of = block.values) {
  return of[(((asset - block.assets.start) * block.dates + date) * block.lags + lag) * block.factors + factor];
}

/** RMSE of the exposures to the factor with a threshold over the RMS of the true ones, rows after the training span. */
export function thresholdError(block: JacobianBlock, truth: Float64Array): number {
  let [error, size] = [0, 0];
  for (let asset = 0; asset < ASSETS; asset++) {
    if (asset === THIN_ASSET) continue;
    for (let date = 0; date < block.dates; date++) {
      const want = truth[(TRAIN.end + date) * ASSETS + asset];
      error += (at(block, asset, date, 0, THRESHOLD) - want) ** 2;
      size += want ** 2;
    }
  }
  return Math.sqrt(error / size);
}

/**
 * Largest difference between the exposures of one row and central differences of its predictions, over the largest
 * exposure, for factors and lags that are observed there.
 */
export async function differenceError(
  fitted: Fitted,
  inputs: FactorPanel,
  row: number,
  lags: readonly number[],
): Promise<number> {
  // The encoder runs in float32: a step of .02 SD balances its rounding (1e-7 / .02) and the curvature (.02^2).
  const STEP = 0.02;
  const { scaler } = fitted.parameters();
  const span = { start: row, end: row + 1 };
  const [block] = await collect(fitted.jacobian(inputs, span));
  const largest = block.values.reduce((m, x) => (Number.isNaN(x) ? m : Math.max(m, Math.abs(x))), 0);
  let worst = 0;
  for (const factor of [0, THRESHOLD, LATE_FACTOR]) {
    for (const lag of lags) {
      const moved = async (sign: number) =>
        (await fitted.predict(shocked(inputs, row - lag, factor, sign * STEP * scaler.sd[factor]), span)).values;
      const [up, down] = [await moved(1), await moved(-1)];
      for (let asset = 0; asset < ASSETS; asset++) {
        if (asset === THIN_ASSET) continue;
        const difference = (up[asset] - down[asset]) / (2 * STEP);
        worst = Math.max(worst, Math.abs(at(block, asset, 0, lag, factor) - difference));
      }
    }
  }
  return worst / largest;
}

/** Bound of {@link differenceError}: what the step leaves of curvature and of float32's rounding. */
export const DIFFERENCE_TOLERANCE = 3e-3;
