import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LstmParameters, METHOD_IDS, monthEndOfIndex } from '@macrograd/core';
import { fromParameters } from '@macrograd/model';
import {
  exposureForms,
  exposuresToOnnx,
  factorWindows,
  modelToOnnx,
  runExposures,
  selectAssets,
  verifyExposures,
  verifyOnnx,
} from '@macrograd/onnx';
import { readModel, readTable, stringAt, type TableData } from '@macrograd/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportOnnxModel, loadConfig, parseConfig, run } from '../src/index.js';
import { config as configText, MONTHS, writeProject } from './project.js';

// float32 in ONNX Runtime against the table's own numbers, of which methods with lags are stored as float32.
const PARITY = 1e-5;
const THOUSANDS = 3000;

let folder: string;
let dir: string;
let exposures: TableData<'exposures'>;
let inputs: Awaited<ReturnType<typeof loadConfig>>['panel']['inputs'];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'macrograd-exports-'));
  const file = writeProject(folder);
  const config = await parseConfig(configText.replace(/methods: .*/, `methods: [${METHOD_IDS.join(', ')}]`), file);
  dir = (await run(config)).dir;
  exposures = await readTable(dir, 'exposures');
  inputs = (await loadConfig(file)).panel.inputs;
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Exposures and standard errors of the fit on the whole span at the last date, [asset][factor]. */
function finalRows(method: string, kind: string, { rows, columns } = exposures) {
  const last = monthEndOfIndex(MONTHS - 1);
  const mine = Array.from({ length: rows }, (_, row) => row).filter(
    (row) =>
      columns.date[row] === last &&
      stringAt(columns.fit, row) === 'final' &&
      stringAt(columns.method, row) === method &&
      stringAt(columns.kind, row) === kind,
  );
  return { exposure: mine.map((row) => columns.exposure[row]), se: mine.map((row) => columns.se[row]) };
}

function expectClose(actual: ArrayLike<number>, expected: readonly number[]): void {
  const largest = Math.max(...expected.filter(Number.isFinite).map(Math.abs)) || 1;
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(Number.isNaN(actual[i]), `[${i}] is ${actual[i]}, expected ${value}`).toBe(Number.isNaN(value));
    if (!Number.isNaN(value)) expect(Math.abs(actual[i] - value) / largest).toBeLessThan(PARITY);
  });
}

describe('the exposures of an export are the final rows of the table', () => {
  it.each([...METHOD_IDS, 'chosen'])('%s', async (method) => {
    const [{ files, returns, exposures: checked }] = await exportOnnxModel(dir, { method });
    expect(returns.maxRelativeError).toBeLessThanOrEqual(PARITY);
    expect(checked.maxRelativeError).toBeLessThanOrEqual(PARITY);
    const span = { start: MONTHS - 1, end: MONTHS };
    for (const form of ['contemporaneous', 'cumulative'] as const) {
      const expected = finalRows(method, form);
      // Methods without lags have no rows of their own for the sum over lags.
      if (expected.exposure.length === 0) continue;
      expect(expected.exposure.length).toBe(6 * 3);
      const actual = await runExposures(files[1].file, inputs, span, { start: 0, end: 6 }, form);
      expectClose(actual.values, expected.exposure);
      // A method without standard errors has none in the table, and no such output.
      if (method !== 'zero') expectClose(actual.se ?? expected.se.map(() => Number.NaN), expected.se);
    }
  });
});

it('heads that walk are exported as they stand at the last date', async () => {
  const file = writeProject(join(folder, 'walking'));
  const text = configText.replace('hidden_size: 4,', 'hidden_size: 4, heads: kalman,');
  const walking = (await run(await parseConfig(text, file))).dir;
  const last = { start: MONTHS - 1, end: MONTHS };
  const onnx = join(walking, 'onnx', 'exposures.onnx');
  const table = await readTable(walking, 'exposures');
  for (const form of ['contemporaneous', 'cumulative'] as const) {
    const expected = finalRows('lstm', form, table);
    expect(expected.exposure.length).toBe(6 * 3);
    const actual = await runExposures(onnx, inputs, last, { start: 0, end: 6 }, form);
    expectClose(actual.values, expected.exposure);
    expectClose(actual.se ?? [], expected.se);
  }
}, 60_000);

it("thousands of heads give the kernel's exposures and standard errors", async () => {
  const { info, parameters } = readModel(join(dir, 'models', 'lstm'));
  const names = Array.from({ length: THOUSANDS }, (_, i) => info.assets[i % 6]);
  const many = selectAssets({ info, parameters: parameters as LstmParameters }, names);
  // Heads of their own: the same ones times a number that no two assets share.
  const members = many.parameters.members.map((member) => ({
    ...member,
    heads: member.heads.map((head, at) => head * (1 + at / member.heads.length)),
  }));
  const own = { ...many.parameters, members };
  const span = { start: MONTHS - 4, end: MONTHS };
  const reference = fromParameters(own);
  const model = modelToOnnx(own, many.info);
  const { compared } = await verifyOnnx(model, inputs, await reference.predict(inputs, span), PARITY);
  expect(compared).toBe(4 * THOUSANDS);
  const file = exposuresToOnnx(own, many.info);
  for (const form of exposureForms) {
    const checked = await verifyExposures(file, inputs, reference.jacobian(inputs, span, { form }), form, PARITY);
    expect(checked.compared).toBeGreaterThanOrEqual(2 * 4 * THOUSANDS * 3);
  }
});

it('windows of the last date are what a consumer would pass', () => {
  const [series, lookback] = [inputs.factors.length, 6];
  const window = factorWindows(inputs, { start: MONTHS - 1, end: MONTHS }, lookback);
  expect([...window]).toEqual([...Float32Array.from(inputs.values.slice((MONTHS - lookback) * series))]);
});
