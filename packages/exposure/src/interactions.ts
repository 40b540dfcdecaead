import { type FactorPanel, type Fitted, indexesOfRole, type Span } from '@macrograd/core';

/** Half of the distance over which slopes are differenced, in SD: small against a regime, large against rounding. */
const STEP = 0.25;

/**
 * Cross-partials of a fit: how much every exposure rises when a series lies one SD higher at all dates,
 * d^2 E[r] / dz_j dz_l by central differences of the Jacobian, mean over the span's dates; [asset][factor], decimal
 * return per SD and SD. Works for every method, as it asks for Jacobians alone; 0 for a linear one.
 */
export async function crossPartials(
  fitted: Fitted,
  inputs: FactorPanel,
  span: Span,
  column: number,
): Promise<Float64Array> {
  const up = await meanJacobian(fitted, shifted(fitted, inputs, [[column, STEP]]), span);
  const down = await meanJacobian(fitted, shifted(fitted, inputs, [[column, -STEP]]), span);
  return up.map((value, cell) => (value - down[cell]) / (2 * STEP));
}

/**
 * What two series do together beyond what each does alone: E[r | both up] - E[r | first up] - E[r | second up] + E[r],
 * each up by one SD at all dates and every other factor moving as it usually does with them (its regression on the two
 * over the span); mean over the span's dates, [asset], decimal return.
 */
export async function jointShock(
  fitted: Fitted,
  inputs: FactorPanel,
  span: Span,
  pair: readonly [number, number],
): Promise<Float64Array> {
  const moves = (first: number, second: number) => jointMoves(inputs, span, fitted, pair, [first, second]);
  const expected = (sizes: readonly (readonly [number, number])[]) =>
    meanPrediction(fitted, shifted(fitted, inputs, sizes), span);
  const both = await expected(moves(1, 1));
  const first = await expected(moves(1, 0));
  const second = await expected(moves(0, 1));
  const base = await expected([]);
  return both.map((value, asset) => value - first[asset] - second[asset] + base[asset]);
}

/** The inputs with series moved by so many SD at all dates. */
function shifted(fitted: Fitted, inputs: FactorPanel, sizes: readonly (readonly [number, number])[]): FactorPanel {
  const { sd } = fitted.parameters().scaler;
  const values = inputs.values.slice();
  for (const [column, size] of sizes) {
    for (let at = column; at < values.length; at += inputs.factors.length) values[at] += size * sd[column];
  }
  return { ...inputs, values };
}

/** Move of every factor, in SD, when the pair moves as given and the others follow by their regression on the pair. */
function jointMoves(
  inputs: FactorPanel,
  span: Span,
  fitted: Fitted,
  pair: readonly [number, number],
  sizes: readonly [number, number],
): [number, number][] {
  const { mean, sd } = fitted.parameters().scaler;
  const z = (row: number, column: number) => {
    const value = (inputs.values[row * inputs.factors.length + column] - mean[column]) / sd[column];
    return Number.isNaN(value) ? 0 : value;
  };
  const product = (a: number, b: number) => {
    let sum = 0;
    for (let row = span.start; row < span.end; row++) sum += z(row, a) * z(row, b);
    return sum;
  };
  const [a, b] = pair;
  const [aa, ab, bb] = [product(a, a), product(a, b), product(b, b)];
  const determinant = aa * bb - ab * ab;
  return indexesOfRole(inputs, 'factor', 'state').map((column): [number, number] => {
    if (column === a) return [column, sizes[0]];
    if (column === b) return [column, sizes[1]];
    const [ca, cb] = [product(column, a), product(column, b)];
    const slopes = [(ca * bb - cb * ab) / determinant, (cb * aa - ca * ab) / determinant];
    return [column, slopes[0] * sizes[0] + slopes[1] * sizes[1]];
  });
}

async function meanJacobian(fitted: Fitted, inputs: FactorPanel, span: Span): Promise<Float64Array> {
  const parts: number[] = [];
  for await (const block of fitted.jacobian(inputs, span, { form: 'contemporaneous', average: true })) {
    for (const value of block.values) parts.push(value);
  }
  return Float64Array.from(parts);
}

async function meanPrediction(fitted: Fitted, inputs: FactorPanel, span: Span): Promise<Float64Array> {
  const { values, assets } = await fitted.predict(inputs, span);
  const count = assets.end - assets.start;
  const out = new Float64Array(count);
  for (let i = 0; i < values.length; i++) out[i % count] += (values[i] * count) / values.length;
  return out;
}
