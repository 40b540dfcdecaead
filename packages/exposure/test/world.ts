import { monthEndOfIndex, type Panel, Random } from '@macrograd/core';

/** Monthly factors, two of them persistent as yields and inflation are, and returns of SD 1 made of them. */
export function world(
  seed: number,
  assets: number,
  rows: number,
  expected: (z: (row: number, factor: number) => number, row: number, asset: number) => number,
): Panel {
  const random = new Random(seed);
  const persistence = [0.96, 0.3, 0.2, 0.96];
  const values = new Float64Array(rows * persistence.length);
  const z = (row: number, factor: number) => (row < 0 ? 0 : values[row * persistence.length + factor]);
  const returns = new Float64Array(rows * assets);
  for (let row = 0; row < rows; row++) {
    persistence.forEach((a, j) => {
      values[row * persistence.length + j] = a * z(row - 1, j) + Math.sqrt(1 - a * a) * random.normal();
    });
    for (let asset = 0; asset < assets; asset++) {
      returns[row * assets + asset] = expected(z, row, asset) + random.normal();
    }
  }
  const axis = { frequency: 'M', dates: Int32Array.from({ length: rows }, (_, t) => monthEndOfIndex(t)) } as const;
  const factors = ['A', 'B', 'C', 'D'].map(
    (name) => ({ name, role: 'factor', unit: 'pp', transform: 'none', releaseLag: 0, source: 'test' }) as const,
  );
  const named = Array.from({ length: assets }, (_, i) => ({ name: `${i}`, source: 'test', labels: [] }));
  return { axis, inputs: { axis, factors, values }, assets: named, returns, horizon: 0 };
}
