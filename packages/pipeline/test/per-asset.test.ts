import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readModel, readRunRecord, readTable, stringAt } from '@macrograd/store';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exportOnnxModel, exportTfjsModel, parseConfig, run } from '../src/index.js';
import { config, writeProject } from './project.js';

// float32 in ONNX Runtime against the kernel.
const PARITY = 1e-5;
const text = config
  .replace('hidden_size: 4,', 'mode: per_asset, hidden_size: 4,')
  .replace(/methods: .*/, 'methods: [zero, lstm]');

let folder: string;
let file: string;
let dir: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'macrograd-per-asset-'));
  file = writeProject(folder);
  dir = (await run(await parseConfig(text, file), { threads: 2 })).dir;
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('a config with mode per_asset runs to tables, models and verified exports', async () => {
  const { parameters } = readModel(join(dir, 'models', 'lstm'));
  expect(parameters).toMatchObject({ method: 'lstm', mode: 'per_asset', lookback: 6, hiddenSize: 4 });
  const { rows, columns } = await readTable(dir, 'exposures');
  const own = Array.from({ length: rows }, (_, row) => row).filter((row) => stringAt(columns.method, row) === 'lstm');
  expect(new Set(own.map((row) => stringAt(columns.asset, row))).size).toBe(6);
  expect(own.some((row) => Number.isFinite(columns.exposure[row]) && columns.se[row] > 0)).toBe(true);
  const record = readRunRecord(dir);
  expect(record.network?.lookback).toBe(6);
  expect(record.network?.lag_filters).toBe(0);
  expect(record.warnings).toContain(
    'intervals of a network for every asset are the spread of its 2 members alone, which holds the truth less often than it says',
  );
  expect(record.onnx?.max_relative_error).toBeLessThanOrEqual(PARITY);
});

it('its stored networks are exported to ONNX, all of them or one', async () => {
  const [all] = await exportOnnxModel(dir, { method: 'lstm' });
  expect(all.exposures.maxRelativeError).toBeLessThanOrEqual(PARITY);
  const [one] = await exportOnnxModel(dir, { method: 'lstm', assets: ['A3'] });
  expect(one.returns.maxRelativeError).toBeLessThanOrEqual(PARITY);
  expect(one.files[0].bytes).toBeLessThan(all.files[0].bytes);
});

it('a layers model of them is refused with what to do instead', async () => {
  await expect(exportTfjsModel(dir)).rejects.toThrow(/holds a network for every asset.*export onnx/s);
});

it('heads that walk are refused with line and column', async () => {
  const wrong = text.replace('mode: per_asset,', 'mode: per_asset, heads: kalman,');
  await expect(parseConfig(wrong, file)).rejects.toThrow(/config\.yaml:13:\d+: "lstm\.heads" is kalman/);
});
