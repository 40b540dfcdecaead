import { ArgumentError } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { modelToOnnx } from '../src/index.js';
import { reorderGates } from '../src/lstm-graph.js';
import { decodeModel } from '../src/proto.js';
import { infoOf, linearParameters, lstmParameters, ordinary } from './synthetic.js';

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
