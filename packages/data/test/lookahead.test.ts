import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Panel } from '@macrograd/core';
import { expect, test } from 'vitest';
import { buildPanel, type PanelSpec } from '../src/index.js';
import { file } from './files.js';
import { sampleSpec } from './sampleSpec.js';

/** Last day whose values are left alone; chosen inside a quarter and before all kinds of series end. */
const CUT = '2010-05-31';

/** The sample job on copies of its files in which every row after the cut was edited. */
function edited(spec: PanelSpec, edit: (row: string) => string | undefined): PanelSpec {
  const copies = new Map<string, string>();
  const copy = (path: string) => {
    const known = copies.get(path) ?? file(editedText(path, edit), basename(path));
    copies.set(path, known);
    return known;
  };
  return {
    ...spec,
    factors: spec.factors.map((factors) => ({ ...factors, file: copy(factors.file) })),
    assets: spec.assets.map((assets) => {
      const { riskFree } = assets;
      const own = riskFree?.file === undefined ? riskFree : { ...riskFree, file: copy(riskFree.file) };
      return { ...assets, file: copy(assets.file), ...(own ? { riskFree: own } : {}) };
    }),
  };
}

function editedText(path: string, edit: (row: string) => string | undefined): string {
  const [header, ...rows] = readFileSync(path, 'utf8').trim().split('\n');
  const kept = rows.map((row) => (row.slice(0, CUT.length) > CUT ? edit(row) : row));
  return [header, ...kept.filter((row) => row !== undefined)].join('\n');
}

/** Every value of a row after its date, changed but positive where it was. */
function changed(row: string): string {
  const [date, ...cells] = row.split(',');
  return [date, ...cells.map((cell) => (cell === '' ? '' : String(Number(cell) * 3 + 0.1)))].join(',');
}

function past(panel: Panel, rows: number): { factors: Float64Array; returns: Float64Array } {
  return {
    factors: panel.inputs.values.slice(0, rows * panel.inputs.factors.length),
    returns: panel.returns.slice(0, rows * panel.assets.length),
  };
}

const rowsUpToCut = (2010 - 1960) * 12 + 5;

test.each(['reference', 'available'] as const)(
  '%s: a changed or absent future leaves every earlier bit',
  async (timing) => {
    const spec = { ...sampleSpec, timing, horizon: 0 };
    const original = (await buildPanel(spec)).panel;
    const other = (await buildPanel(edited(spec, changed))).panel;
    const short = (await buildPanel(edited(spec, () => undefined))).panel;
    const wanted = past(original, rowsUpToCut);
    expect(wanted.factors.some((value) => !Number.isNaN(value))).toBe(true);
    expect(past(other, rowsUpToCut)).toEqual(wanted);
    expect(past(short, rowsUpToCut)).toEqual(wanted);
    expect(past(other, rowsUpToCut + 1)).not.toEqual(past(original, rowsUpToCut + 1));
  },
);

test('available: a factor of release lag n is blind to the n periods before its row', async () => {
  const lagged = sampleSpec.factors
    .flatMap(({ series }) => Object.values(series))
    .filter((one) => one.releaseLag === 1);
  expect(lagged.length).toBeGreaterThan(4);
  const spec = { ...sampleSpec, timing: 'available', horizon: 0 } as const;
  const original = (await buildPanel(spec)).panel;
  const other = (await buildPanel(edited(spec, changed))).panel;
  original.inputs.factors.forEach(({ releaseLag }, j) => {
    const at = (panel: Panel) => panel.inputs.values[rowsUpToCut * panel.inputs.factors.length + j];
    if (releaseLag > 0) expect(at(other)).toBe(at(original));
    else expect(at(other)).not.toBe(at(original));
  });
});

test('with a horizon, the return at t is made of the periods after t alone', async () => {
  const spec = { ...sampleSpec, horizon: 3 };
  const original = (await buildPanel(spec)).panel;
  const other = (await buildPanel(edited(spec, changed))).panel;
  const rows = rowsUpToCut - spec.horizon;
  expect(past(other, rows).returns).toEqual(past(original, rows).returns);
  expect(past(other, rows + 1).returns).not.toEqual(past(original, rows + 1).returns);
});
