import { type FactorMeta, type JacobianBlock, monthEndOfIndex, type Panel, Random } from '@macrograd/core';

/** Sizes and truth of a simulated linear world. */
export interface World {
  readonly panel: Panel;
  readonly rows: number;
  readonly assets: number;
  /** [asset][factor], decimal return per one unit of the factor. */
  readonly betas: Float64Array;
}

export interface WorldOptions {
  readonly rows?: number;
  readonly assets?: number;
  readonly seed?: number;
  /** SD of the residual that is an asset's own, and of the one that all share. */
  readonly noise?: number;
  readonly common?: number;
  /** First row of the third factor. */
  readonly lateStart?: number;
  /** Share of missing returns. */
  readonly holes?: number;
}

const roles = ['factor', 'factor', 'factor', 'control', 'state', 'factor'] as const;

/** Three factors (the third may start late), a control, a state, and a factor that is never observed. */
export function linearWorld(options: WorldOptions = {}): World {
  const { rows = 240, assets = 5, seed = 7, noise = 0.02, common = 0, lateStart = 100, holes = 0.05 } = options;
  const random = new Random(seed);
  const series = roles.length;
  const values = new Float64Array(rows * series);
  for (let at = 0; at < values.length; at++) values[at] = 1 + 2 * random.normal();
  const betas = Float64Array.from({ length: assets * 3 }, () => 0.01 * (random.normal() + 1));
  const returns = new Float64Array(rows * assets);
  for (let row = 0; row < rows; row++) {
    const shared = common * random.normal();
    for (let asset = 0; asset < assets; asset++) {
      let value = 0.005 + noise * random.normal() + shared + 0.003 * values[row * series + 3];
      for (let j = 0; j < 3; j++) value += betas[asset * 3 + j] * values[row * series + j];
      returns[row * assets + asset] = random.uniform() < holes ? Number.NaN : value;
    }
  }
  for (let row = 0; row < rows; row++) {
    if (row < lateStart) values[row * series + 2] = Number.NaN;
    values[row * series + 5] = Number.NaN;
  }
  const factors = roles.map((role, j): FactorMeta => {
    return { name: `X${j}`, role, unit: 'pp', transform: 'diff', releaseLag: 0, source: 'simulated' };
  });
  const axis = { frequency: 'M' as const, dates: Int32Array.from({ length: rows }, (_, row) => monthEndOfIndex(row)) };
  const names = Array.from({ length: assets }, (_, asset) => ({ name: `A${asset}`, source: 'simulated', labels: [] }));
  return {
    panel: { axis, inputs: { axis, factors, values }, assets: names, returns, horizon: 0 },
    rows,
    assets,
    betas,
  };
}

/** Adds 1000 to every input and return from a row on. */
export function disturbed(panel: Panel, from: number): Panel {
  const values = panel.inputs.values.map((value, at) =>
    at >= from * panel.inputs.factors.length ? value + 1000 : value,
  );
  const returns = panel.returns.map((value, at) => (at >= from * panel.assets.length ? value + 1000 : value));
  return { ...panel, inputs: { ...panel.inputs, values }, returns };
}

export async function collect(blocks: AsyncIterable<JacobianBlock>): Promise<JacobianBlock[]> {
  const out: JacobianBlock[] = [];
  for await (const block of blocks) out.push(block);
  return out;
}

/** Size of {@link stateWorld}, and the level at which its exposures turn. */
export const [STATE_ROWS, STATE_ASSETS, STATE_LEVEL] = [300, 6, 1];

/** Returns of .01 x X0 where the state X4 is at or below 1, -.01 x X0 above it, and .003 x the control X3. */
export function stateWorld(interacted = false): Panel {
  const { panel } = linearWorld({ rows: STATE_ROWS, assets: STATE_ASSETS, lateStart: 0, holes: 0.05, noise: 0.01 });
  const keep = [0, 1, 3, 4];
  const factors = keep.map((j) => panel.inputs.factors[j]);
  const values = Float64Array.from({ length: STATE_ROWS * 4 }, (_, at) => {
    return panel.inputs.values[Math.floor(at / 4) * 6 + keep[at % 4]];
  });
  const noise = linearWorld({
    rows: STATE_ROWS,
    assets: STATE_ASSETS,
    seed: 11,
    lateStart: 0,
    holes: 0.05,
    noise: 0.01,
  });
  const returns = noise.panel.returns.map((value, at) => {
    const [row, asset] = [Math.floor(at / STATE_ASSETS), at % STATE_ASSETS];
    const [x, , control, state] = values.subarray(row * 4, row * 4 + 4);
    const z = noise.panel.inputs.values.subarray(row * 6, row * 6 + 6);
    // What that world's own factors and control add is taken off again: its noise is left.
    let own = value - 0.003 * z[3];
    for (let j = 0; j < 3; j++) own -= noise.betas[asset * 3 + j] * z[j];
    const slope = interacted ? 0.01 + 0.004 * (state - STATE_LEVEL) : state > STATE_LEVEL ? -0.01 : 0.01;
    return own + slope * x + 0.003 * control;
  });
  return { ...panel, inputs: { ...panel.inputs, factors, values }, returns };
}
