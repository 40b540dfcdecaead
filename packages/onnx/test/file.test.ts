import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArgumentError, type FittedParameters, type ModelInfo, semidefiniteCholesky } from '@macrograd/core';
import { afterAll, describe, expect, it } from 'vitest';
import { toFloat16 } from '../src/float16.js';
import {
  exposuresToOnnx,
  modelToOnnx,
  readOnnxMetadata,
  runExposures,
  runOnnx,
  selectAssets,
  writeExposuresOnnx,
  writeModelOnnx,
} from '../src/index.js';
import { reorderGates } from '../src/lstm-graph.js';
import { decodeModel } from '../src/proto.js';
import { factorPanel, infoOf, linearParameters, lstmParameters, ordinary, withCovariance } from './synthetic.js';

// float32 sums of returns near 0.1 in another order.
const ROUNDING = 1e-7;

const parameters = lstmParameters(ordinary, 1);
const info = infoOf(ordinary.series, ordinary.assets);

describe('an exported file', () => {
  const model = decodeModel(modelToOnnx(parameters, info));
  const metadata = Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value]));

  it('is of opset 17, IR version 8', () => {
    expect(model.irVersion).toBe(8);
    expect(model.opsetImport).toEqual([expect.objectContaining({ version: 17 })]);
  });

  it('has symbolic batch and time, and no initial state', () => {
    const dims = model.graph.input.map((input) => input.type.tensorType.shape.dim);
    expect(dims).toEqual([[{ dimParam: 'batch' }, { dimParam: 'time' }, { dimValue: ordinary.series }]]);
    const lstm = model.graph.node.filter((node) => node.opType === 'LSTM');
    expect(lstm).toHaveLength(ordinary.lookbacks.length);
    for (const node of lstm) {
      expect(node.input).toHaveLength(4);
      expect(node.attribute.map(({ name }) => name)).toEqual(['hidden_size']);
    }
  });

  it('names its factors with units, its assets, window and training span', () => {
    expect(JSON.parse(metadata.assets)).toEqual(info.assets);
    expect(JSON.parse(metadata.factors)[2]).toEqual({
      name: 'F2',
      role: 'factor',
      unit: 'pp',
      transform: 'diff',
      release_lag: 1,
      source: 'synthetic',
    });
    expect(metadata).toMatchObject({ lookback: '36', training_start: '1960-01-31', return_unit: 'decimal per period' });
    expect(metadata.graph_sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('has the same bytes each time, and another hash for other weights', () => {
    expect(modelToOnnx(parameters, info)).toEqual(modelToOnnx(parameters, info));
    const other = decodeModel(modelToOnnx(lstmParameters(ordinary, 2), info));
    expect(other.metadataProps.find(({ key }) => key === 'graph_sha256')?.value).not.toBe(metadata.graph_sha256);
  });

  it('defines every edge before it is used, once', () => {
    const known = new Set([...model.graph.input, ...model.graph.initializer].map(({ name }) => name));
    for (const node of model.graph.node) {
      for (const edge of node.input) expect(known, `${node.name} reads ${edge}`).toContain(edge);
      for (const edge of node.output) {
        expect(known.has(edge), `${edge} is written twice`).toBe(false);
        if (edge !== '') known.add(edge);
      }
    }
    for (const { name } of model.graph.output) expect(known).toContain(name);
  });
});

it('gate blocks go from i, f, g, o to i, o, f, c', () => {
  expect([...reorderGates(Float32Array.of(1, 1, 2, 2, 3, 3, 4, 4))]).toEqual([1, 1, 4, 4, 2, 2, 3, 3]);
});

it('names that do not match the parameters are refused', () => {
  expect(() => modelToOnnx(parameters, infoOf(ordinary.series, 3))).toThrow(ArgumentError);
  expect(() => modelToOnnx(linearParameters({ series: 4, assets: 3 }, [1], [], 1), infoOf(5, 3))).toThrow(
    /5 factor names.*4 series/,
  );
});

describe('weights in a file of their own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'macrograd-onnx-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const inputs = factorPanel(40, ordinary.series, ordinary.flagged, 3);
  const span = { start: 0, end: 40 };

  it('give the same bits, and the model file holds small constants alone', async () => {
    const file = join(folder, 'model.onnx');
    expect(writeModelOnnx(file, parameters, info)).toEqual([file]);
    const [whole, size] = [await runOnnx(file, inputs, span), statSync(file).size];
    expect(writeModelOnnx(file, parameters, info, { externalAbove: 1000 })).toEqual([file, `${file}.data`]);
    expect(statSync(file).size).toBeLessThan(size);
    expect(await runOnnx(file, inputs, span)).toEqual(whole);
    expect(readOnnxMetadata(file).lookback).toBe('36');
  });

  it('hold for exposures too', async () => {
    const file = join(folder, 'exposures.onnx');
    expect(writeExposuresOnnx(file, parameters, info, { externalAbove: 0 })).toHaveLength(2);
    const assets = { start: 0, end: ordinary.assets };
    const whole = await runExposures(exposuresToOnnx(parameters, info), inputs, span, assets, 'cumulative');
    expect(await runExposures(file, inputs, span, assets, 'cumulative')).toEqual(whole);
  });
});

describe('the model of some of the assets', () => {
  const inputs = factorPanel(5, ordinary.series, [], 4);
  const span = { start: 0, end: 5 };

  it.each<[string, FittedParameters]>([
    ['LSTM', withCovariance(parameters, 5)],
    ['linear', linearParameters(ordinary, [1, 3], [3], 6)],
  ])('gives their %s returns', async (_, whole) => {
    const chosen = selectAssets({ info, parameters: whole }, [info.assets[4], info.assets[1]]);
    const all = await runOnnx(modelToOnnx(whole, info), inputs, span);
    const some = await runOnnx(modelToOnnx(chosen.parameters, chosen.info), inputs, span);
    some.values.forEach((value, i) => {
      const expected = all.values[Math.floor(i / 2) * ordinary.assets + (i % 2 === 0 ? 4 : 1)];
      expect(Math.abs(value - expected)).toBeLessThan(ROUNDING);
    });
  });

  it('gives their exposures and standard errors', async () => {
    const whole = withCovariance(parameters, 7);
    const chosen = selectAssets({ info, parameters: whole }, [info.assets[4], info.assets[1]]);
    const read = (of: FittedParameters, names: ModelInfo, start: number, end: number) =>
      runExposures(exposuresToOnnx(of, names), inputs, { start: 4, end: 5 }, { start, end }, 'cumulative');
    const own = await read(chosen.parameters, chosen.info, 0, 1);
    const all = await read(whole, info, 4, 5);
    for (const [actual, expected] of [
      [own.values, all.values],
      [own.se!, all.se!],
    ]) {
      actual.forEach((value, i) => {
        expect(Math.abs(value - expected[i])).toBeLessThan(ROUNDING);
      });
      expect(actual.some((value) => Math.abs(value) > 100 * ROUNDING)).toBe(true);
    }
  });

  it('is refused for a name that is not there', () => {
    expect(() => selectAssets({ info, parameters }, ['Nobody'])).toThrow(/no asset "Nobody"/);
  });
});

it('half-precision bits are those of IEEE 754, ties to even', () => {
  const bits: readonly (readonly [number, number])[] = [
    [0, 0],
    [-0, 0x8000],
    [1, 0x3c00],
    [-2, 0xc000],
    [65504, 0x7bff],
    [1e9, 0x7bff],
    [0.1, 0x2e66],
    [2 ** -14, 0x0400],
    [2 ** -24, 0x0001],
    [2 ** -26, 0],
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [2 - 2 ** -12, 0x4000],
  ];
  for (const [value, expected] of bits) expect(toFloat16(value), String(value)).toBe(expected);
  expect(toFloat16(Number.NaN)).toBe(0x7e00);
});

it('a factor of a covariance gives it back, also where a direction has no variance', () => {
  // Rank two: the third row is the sum of the others.
  const matrix = Float64Array.of(4, 2, 6, 2, 5, 7, 6, 7, 13);
  const factor = semidefiniteCholesky(matrix, 3);
  for (let i = 0; i < 9; i++) {
    const [row, column] = [Math.floor(i / 3), i % 3];
    const sum = [0, 1, 2].reduce((total, k) => total + factor[row * 3 + k] * factor[column * 3 + k], 0);
    expect(sum).toBeCloseTo(matrix[i], 12);
  }
});

it('products of factors and state are refused in words', () => {
  const members = parameters.members.map((member) => ({ ...member, conditional: true }));
  expect(() => modelToOnnx({ ...parameters, members }, info)).toThrow(/form conditional/);
  expect(() => exposuresToOnnx({ ...parameters, members }, info)).toThrow(/form conditional/);
});
