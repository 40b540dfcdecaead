import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { CancelledError, InputError, monthEndOfIndex } from '@macrograd/core';
import { readRunRecord, readTable, stringAt, type TableData } from '@macrograd/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  dryRun,
  exportOnnxModel,
  exportTfjsModel,
  parseConfig,
  type RunOptions,
  readConfig,
  readHeadline,
  run,
} from '../src/index.js';
import { config as configText, MONTHS, writeProject } from './project.js';

/** Row of the panel by which the future is changed; inside the second of three folds. */
const CHANGED_AFTER = 100;

let folder: string;
let one: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'macrograd-run-'));
  one = await result('one', { threads: 1 });
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function result(name: string, options: RunOptions, project = {}): Promise<string> {
  const file = writeProject(join(folder, name), project);
  return (await run(await readConfig(file), options)).dir;
}

/** Paths of all files below a directory. */
function filesOf(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
    .sort();
}

describe('run', () => {
  it('writes every file of a result', () => {
    const models = ['zero', 'ols', 'rolling_ols', 'ewm_ols', 'lstm'].flatMap((method) => [
      `models/${method}/model.json`,
      `models/${method}/model.safetensors`,
    ]);
    const tables = [
      'chosen',
      'diagnostics',
      'evaluation',
      'exposures',
      'factors',
      'interactions',
      'lags',
      'summary',
    ].map((name) => `${name}.parquet`);
    const onnx = ['onnx', 'onnx/chosen'].flatMap((at) => [`${at}/model.onnx`, `${at}/exposures.onnx`]);
    const others = ['report/index.html', 'run.json'];
    expect(filesOf(one)).toEqual([...models, ...tables, ...onnx, ...others].sort());
    expect(statSync(join(one, 'report/index.html')).size).toBeGreaterThan(10_000);
  });

  it('gives every date an exposure from the fit before its fold, and one from the fit on the whole span', async () => {
    const { rows, columns } = await readTable(one, 'exposures');
    const mine = Array.from({ length: rows }, (_, row) => row).filter(
      (row) =>
        stringAt(columns.asset, row) === 'A3' &&
        stringAt(columns.factor, row) === 'RATE' &&
        stringAt(columns.method, row) === 'lstm' &&
        stringAt(columns.kind, row) === 'contemporaneous',
    );
    const fits = mine.map((row) => stringAt(columns.fit, row));
    const dates = MONTHS;
    expect(fits.length).toBe(2 * dates);
    expect(fits.slice(0, 84)).toEqual(Array(84).fill('0'));
    expect(fits.slice(84, 108)).toEqual(Array(24).fill('1'));
    expect(fits.slice(108, dates)).toEqual(Array(dates - 108).fill('2'));
    expect(fits.slice(dates)).toEqual(Array(dates).fill('final'));
    const inSample = mine.map((row) => columns.in_sample[row]);
    expect(inSample.slice(0, 60)).toEqual(Array(60).fill(1));
    expect(inSample.slice(60, dates)).toEqual(Array(dates - 60).fill(0));
    expect(inSample.slice(dates)).toEqual(Array(dates).fill(1));
    // A difference has no value in the first month.
    const missing = mine.filter((row) => !Number.isFinite(columns.exposure[row]));
    expect(missing.map((row) => columns.date[row])).toEqual([monthEndOfIndex(0), monthEndOfIndex(0)]);
  });

  it('leaves the exposure to a factor empty before the factor starts', async () => {
    const { rows, columns } = await readTable(one, 'exposures');
    const early = monthEndOfIndex(20);
    const late = Array.from({ length: rows }, (_, row) => row).filter(
      (row) => stringAt(columns.factor, row) === 'LATE' && columns.date[row] === early,
    );
    expect(late.length).toBeGreaterThan(0);
    const states = new Set(late.map((row) => `${stringAt(columns.method, row)} ${columns.exposure[row]}`));
    expect([...states].filter((state) => !state.startsWith('zero')).every((state) => state.endsWith('NaN'))).toBe(true);
  });

  it('tells the drift of every method from refit to refit and with another seed, and what the network looks back on', () => {
    const { drift = [], network } = readRunRecord(one);
    const of = (method: string, kind: string) => drift.filter((own) => own.method === method && own.kind === kind);
    const fits = of('ols', 'refit').map(({ from, to }) => `${from} ${to}`);
    expect(fits).toEqual(['0 1', '1 2', '2 final', 'all all']);
    expect(of('lstm', 'refit')).toHaveLength(4);
    // The seed of the project is 3.
    expect(of('lstm', 'seed').map(({ from, to }) => `${from} ${to}`)).toEqual(['seed 4 final', 'all all']);
    expect(drift.some(({ method, kind }) => method === 'zero' || (method === 'ols' && kind === 'seed'))).toBe(false);
    const [first, second, third, all] = of('ols', 'refit');
    // Six assets and three factors.
    expect(all.pairs).toBe(3 * 18);
    expect(all.outside).toBeCloseTo((first.outside + second.outside + third.outside) / 3, 12);
    for (const { change } of drift) expect(change).toBeGreaterThan(0);
    expect(network?.lookback).toBe(6);
    expect(network?.lag_filters).toBe(12);
    expect(network?.retention).toHaveLength(6);
    expect(network?.effective_memory).toBeGreaterThan(0);
  });

  it('names the weights of every asset and fit, and adds up the exposures of their methods', async () => {
    const chosen = await readTable(one, 'chosen');
    const { rows, columns } = await readTable(one, 'exposures');
    const key = (row: number, method: string | null) =>
      [columns.asset, columns.factor, columns.kind, columns.fit]
        .map((column) => stringAt(column, row))
        .concat(String(method), String(columns.date[row]))
        .join();
    const values = new Map(
      Array.from({ length: rows }, (_, row) => [key(row, stringAt(columns.method, row)), columns.exposure[row]]),
    );
    const parts = new Map<string, { method: string | null; weight: number }[]>();
    for (let row = 0; row < chosen.rows; row++) {
      const place = `${stringAt(chosen.columns.asset, row)} ${stringAt(chosen.columns.fit, row)}`;
      const part = { method: stringAt(chosen.columns.method, row), weight: chosen.columns.weight[row] };
      parts.set(place, [...(parts.get(place) ?? []), part]);
    }
    expect(parts.size).toBe(6 * 4);
    for (let row = 0; row < chosen.rows; row++) {
      const known = stringAt(chosen.columns.fit, row) === '0' ? /over the trial(:|$)/ : /over the trial and [123] fold/;
      expect(stringAt(chosen.columns.reason, row)).toMatch(known);
    }
    let compared = 0;
    for (let row = 0; row < rows; row++) {
      if (stringAt(columns.method, row) !== 'chosen' || stringAt(columns.kind, row) !== 'contemporaneous') continue;
      const own = parts.get(`${stringAt(columns.asset, row)} ${stringAt(columns.fit, row)}`)!;
      const sum = own.reduce((total, { method, weight }) => total + weight * values.get(key(row, method))!, 0);
      // A factor that had not started has no exposure in any of them.
      if (Number.isNaN(sum)) expect(columns.exposure[row]).toBeNaN();
      else expect(columns.exposure[row]).toBeCloseTo(sum, 12);
      compared++;
    }
    expect(compared).toBe(2 * 6 * 3 * MONTHS);
  });

  it('scores every method and the chosen mix on every fold', async () => {
    const { rows, columns } = await readTable(one, 'evaluation');
    const seen = new Set(
      Array.from({ length: rows }, (_, row) => `${stringAt(columns.method, row)} ${stringAt(columns.fold, row)}`),
    );
    const methods = ['zero', 'ols', 'rolling_ols', 'ewm_ols', 'lstm', 'chosen'];
    expect(seen).toEqual(
      new Set(methods.flatMap((method) => ['0', '1', '2', 'all'].map((fold) => `${method} ${fold}`))),
    );
    expect(rows).toBe(methods.length * 4 * (6 + 1));
  });

  it('records hashes, checks and the ONNX error', async () => {
    const record = readRunRecord(one);
    expect(Object.keys(record.data_hashes)).toEqual(['macro.csv', 'returns.csv']);
    expect(record.checks).toMatchObject([{ name: 'A0 on RATE, ols', passed: true, unit: 'decimal return per 1 pp' }]);
    expect(record.onnx?.max_relative_error).toBeLessThanOrEqual(1e-5);
    expect(record.onnx?.exposures_max_relative_error).toBeLessThanOrEqual(1e-5);
    expect(record.warnings.join('\n')).toMatch(/LATE: observed from 1972-08-31 only/);
    const { methods, screened } = await readHeadline(one);
    expect(methods.map(({ method }) => method)).toEqual(['zero', 'ols', 'rolling_ols', 'ewm_ols', 'lstm', 'chosen']);
    expect(screened).toBe(6 * 3);
  });

  it('exports the LSTM to TensorFlow.js, single assets and another method to ONNX, each compared with the model', async () => {
    const dir = join(folder, 'exported');
    cpSync(one, dir, { recursive: true });
    const tfjs = await exportTfjsModel(dir);
    expect(tfjs.files.map(({ file }) => file)).toEqual(
      ['model.json', 'weights.bin'].map((name) => join(dir, 'tfjs', name)),
    );
    const single = await exportOnnxModel(dir, { assets: ['A1', 'A3'], opset: 14, selectable: false, forms: ['lags'] });
    const [ols] = await exportOnnxModel(dir, { method: 'ols', externalAbove: 0 });
    for (const { returns, exposures } of [...single, ols]) {
      expect(returns.maxRelativeError).toBeLessThanOrEqual(1e-5);
      expect(exposures.maxRelativeError).toBeLessThanOrEqual(1e-5);
      expect(exposures.compared).toBeGreaterThan(returns.compared);
    }
    expect(tfjs.returns.compared).toBeGreaterThan(0);
    expect(existsSync(join(dir, 'onnx', 'assets', 'A3', 'exposures.onnx'))).toBe(true);
    await expect(exportOnnxModel(dir, { assets: ['nobody'] })).rejects.toThrow(/no asset "nobody"/);
    await expect(exportOnnxModel(dir, { method: 'nothing' })).rejects.toThrow(/no model of the method "nothing"/);
  });

  it('gives the same bytes of tables, models and exports with two threads', async () => {
    const two = await result('two', { threads: 2 });
    const compared = filesOf(one).filter((file) => !/^(run\.json|report)/.test(file));
    expect(compared.length).toBe(22);
    for (const file of compared) {
      expect(readFileSync(join(two, file)).equals(readFileSync(join(one, file))), file).toBe(true);
    }
  }, 120_000);

  it('knows nothing of the future: changing it leaves every unseen exposure before as it was', async () => {
    const changed = await result('changed', {}, { shiftAfter: { month: CHANGED_AFTER, by: 1000 } });
    const last = monthEndOfIndex(CHANGED_AFTER);
    const before = unseenUpTo(await readTable(one, 'exposures'), last);
    const after = unseenUpTo(await readTable(changed, 'exposures'), last);
    expect(before.length).toBeGreaterThan(1000);
    expect(after).toEqual(before);
    // Folds that start before the change were chosen without it.
    const choices = await Promise.all(
      [one, changed].map(async (dir) => choicesBefore(await readTable(dir, 'chosen'), 2)),
    );
    expect(choices[1]).toEqual(choices[0]);
  }, 120_000);

  it('uses a finished result of the same job, and computes anew where anything differs', async () => {
    const config = await readConfig(join(folder, 'one', 'config.yaml'));
    expect((await run(config)).reused).toBe(true);
    expect((await dryRun(config)).reused).toBe(true);
    expect((await dryRun(config, { seed: 4 })).reused).toBe(false);
  });

  it('leaves nothing behind when it is stopped', async () => {
    const file = writeProject(join(folder, 'stopped'));
    const controller = new AbortController();
    const onProgress = (fraction: number) => {
      if (fraction > 0.2) controller.abort();
    };
    const stopped = run(await readConfig(file), { threads: 2, signal: controller.signal, onProgress });
    await expect(stopped).rejects.toBeInstanceOf(CancelledError);
    expect(readdirSync(join(folder, 'stopped')).sort()).toEqual(['config.yaml', 'macro.csv', 'returns.csv']);
  });

  it('refuses a check of something that the run does not have, with its place, before it fits', async () => {
    const text = configText.replace('factor: RATE,', 'factor: RATES,');
    const file = join(folder, 'one', 'other.yaml');
    const config = await parseConfig(text.replace('output: out', 'output: other'), file);
    const refused = run(config);
    await expect(refused).rejects.toBeInstanceOf(InputError);
    await expect(refused).rejects.toThrow(/other\.yaml:\d+:\d+: checks\[0\] names the factor "RATES"/);
    expect(existsSync(join(folder, 'one', 'other'))).toBe(false);
  });
});

/** Out-of-sample exposures dated up to a day, one line each. */
function unseenUpTo({ rows, columns }: TableData<'exposures'>, day: number): string[] {
  const lines: string[] = [];
  for (let row = 0; row < rows; row++) {
    if (columns.in_sample[row] !== 0 || columns.date[row] > day) continue;
    const names = [columns.asset, columns.factor, columns.method, columns.kind, columns.fit, columns.status];
    const numbers = [columns.exposure, columns.unit_exposure, columns.se, columns.lo, columns.hi, columns.regime_share];
    lines.push([...names.map((column) => stringAt(column, row)), ...numbers.map((column) => column[row])].join());
  }
  return lines;
}

function choicesBefore({ rows, columns }: TableData<'chosen'>, fold: number): string[] {
  return Array.from({ length: rows }, (_, row) =>
    [
      ...[columns.asset, columns.fit, columns.method, columns.reason].map((column) => stringAt(column, row)),
      columns.weight[row],
    ].join(),
  ).filter((line) => Number(line.split(',')[1]) < fold);
}
