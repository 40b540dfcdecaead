// cspell:ignore colum ltsm serie
import { InputError } from '@macrograd/core';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../src/config/config.js';

const minimal = `factors:
  - file: macro.csv
assets:
  - file: returns.csv
output: out/
`;

async function refusal(text: string): Promise<string> {
  const error = await parseConfig(text, 'run.yaml').then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InputError);
  return (error as InputError).message;
}

describe('config', () => {
  it('fills every key but factors, assets and output', async () => {
    const config = await parseConfig(minimal, '/project/run.yaml');
    expect(config.methods).toEqual(['zero', 'ols', 'rolling_ols', 'ewm_ols', 'lstm']);
    expect(config).toMatchObject({ name: 'project', seed: 1, checks: [] });
    expect(config.panel).toMatchObject({ timing: 'reference', horizon: 0, span: {} });
    expect(config.lstm).toEqual({
      hiddenSize: undefined,
      lookback: 'auto',
      members: 5,
      mode: 'pooled',
      heads: 'closed_form',
      steps: undefined,
    });
    expect(config.panel.factors).toEqual([{ file: '/project/macro.csv', format: 'auto', aggregate: 'last' }]);
    expect(config.output).toEqual({ dir: '/project/out', exposures: 'auto' });
  });

  it('reads JSON, with the same places', async () => {
    const json = '{\n  "factors": [{ "file": "m.csv" }],\n  "assets": [{ "file": "r.csv" }],\n  "output": "o" }';
    expect((await parseConfig(json, '/p/run.json')).output.dir).toBe('/p/o');
    expect(await refusal(json.replace('"output"', '"outputs"'))).toMatch(/^run\.yaml:4:3: unknown key "outputs"/);
  });

  it('sets the horizon to 1 when the timing is what was known', async () => {
    expect((await parseConfig(`${minimal}timing: available\n`, 'run.yaml')).panel.horizon).toBe(1);
  });

  it('keeps the methods in their own order, whatever order they are written in', async () => {
    expect((await parseConfig(`${minimal}methods: [lstm, zero]\n`, 'run.yaml')).methods).toEqual(['zero', 'lstm']);
  });

  it('reads what conditions a method, and keeps the names of the others as they are written', async () => {
    const text = `${minimal}methods:\n  - { method: wls, condition: { on: A, at: 5 } }\n  - zero\n  - { method: ols }\n`;
    const { methods, conditions, raw } = await parseConfig(text, 'run.yaml');
    expect(methods).toEqual(['zero', 'ols', 'wls']);
    expect([...conditions]).toEqual([['wls', { state: 'A', level: 5 }]]);
    // A config without conditions keeps its hash.
    expect(raw.methods).toEqual([{ method: 'wls', condition: { on: 'A', at: 5 } }, 'zero', 'ols']);
  });

  it('hands options of methods on to the estimators, and leaves the rest to their defaults', async () => {
    const text = `${minimal}ewm_ols: { half_life: 104, row_weights: calm, residual_limit: 3 }\nelastic_net: { l1_ratio: 0.2 }\nkalman: {}\n`;
    const { methodOptions } = await parseConfig(text, 'run.yaml');
    expect(methodOptions).toEqual({
      ewm_ols: { halfLife: 104, rowWeights: 'calm', residualLimit: 3 },
      elastic_net: { l1Ratio: 0.2 },
      kalman: {},
    });
  });

  it('takes one window, a list of them, or auto', async () => {
    for (const lookback of ['auto', 12, [1, 12, 24, 36]]) {
      const text = `${minimal}lstm: { lookback: ${JSON.stringify(lookback)} }\n`;
      expect((await parseConfig(text, 'run.yaml')).lstm.lookback).toEqual(lookback);
    }
  });

  it('reads the paths of a risk-free rate from the config file', async () => {
    const text = minimal.replace('- file: r', '- risk_free: { file: rf.csv, series: RF, unit: decimal }\n    file: r');
    const [asset] = (await parseConfig(text, '/project/run.yaml')).panel.assets;
    expect(asset.riskFree).toEqual({ file: '/project/rf.csv', series: 'RF', unit: 'decimal' });
  });

  it.each([
    ['an unknown key', `${minimal}sed: 1\n`, 'run.yaml:6:1: unknown key "sed"; did you mean "seed"?'],
    [
      'an unknown nested key',
      minimal.replace('- file: macro.csv', '- file: macro.csv\n    serie: {}'),
      'run.yaml:3:5: unknown key "serie" in factors[0]; did you mean "series"?',
    ],
    [
      'an unknown key far from all',
      `${minimal}span: { zzzzzz: 1 }\n`,
      'run.yaml:6:9: unknown key "zzzzzz" in span; the keys here are start, end',
    ],
    [
      'a key of a series',
      minimal.replace('- file: macro.csv', '- file: macro.csv\n    series: { INFL: { colum: CPI } }'),
      'run.yaml:3:23: unknown key "colum" in factors[0].series.INFL; did you mean "column"?',
    ],
    [
      'a key of output',
      minimal.replace('out/', '{ dir: out/, exposure: all }'),
      'run.yaml:5:22: unknown key "exposure" in output; did you mean "exposures"?',
    ],
    ['a missing key', 'factors:\n  - file: a.csv\noutput: o\n', 'run.yaml:1:1: "assets" is missing; expected a list'],
    [
      'a mistyped method',
      `${minimal}methods: [ols, ltsm]\n`,
      'run.yaml:6:16: "methods[1]" is "ltsm"; did you mean "lstm"?',
    ],
    [
      'a window that is none among several',
      `${minimal}lstm: { lookback: [1, 0] }\n`,
      'run.yaml:6:23: "lstm.lookback[1]" is 0; expected 1 or more',
    ],
    ['a number out of range', `${minimal}seed: -3\n`, 'run.yaml:6:7: "seed" is -3; expected 0 or more'],
    ['a wrong type', `${minimal}seed: two\n`, 'run.yaml:6:7: "seed" is "two"; expected a number'],
    [
      'a date outside the calendar',
      `${minimal}span: { end: 2020-13 }\n`,
      'run.yaml:6:14: "span.end" is 2020-13, which is not in the calendar; write YYYY, YYYY-MM or YYYY-MM-DD',
    ],
    [
      'a span in the wrong order',
      `${minimal}span: { start: 2000, end: 1990 }\n`,
      'run.yaml:6:27: the span ends (1990) before it starts (2000); exchange the two',
    ],
    [
      'a mistyped method with a condition',
      `${minimal}methods: [zero, { method: olss, condition: { on: A } }]\n`,
      'run.yaml:6:27: "methods[1].method" is "olss"; did you mean "ols"?',
    ],
    [
      'a mistyped key of a condition',
      `${minimal}methods:\n  - { method: ols, condition: { on: A, att: 5 } }\n`,
      'run.yaml:7:40: unknown key "att" in methods[0].condition; did you mean "at"?',
    ],
    [
      'a condition without a series',
      `${minimal}methods:\n  - { method: ols, condition: { at: 5 } }\n`,
      'run.yaml:7:31: "methods[0].condition.on" is missing; expected text',
    ],
    [
      'a condition of a method that takes states by itself',
      `${minimal}methods:\n  - { method: spline, condition: { on: A } }\n`,
      'run.yaml:7:15: no state conditions spline from outside; leave `condition` out and give the series the role `state`',
    ],
    [
      'a method with a condition and without',
      `${minimal}methods:\n  - ols\n  - { method: ols, condition: { on: A } }\n`,
      'run.yaml:8:15: ols stands in the list more than once, with a condition and without; keep one of them',
    ],
    ['broken YAML', 'factors: [\n', 'run.yaml:2:1:'],
    ['an empty file', '', 'run.yaml:1:1: the config is empty; start from the one that "macrograd init" writes'],
  ])('refuses %s with its place', async (_what, text, message) => {
    expect(await refusal(text)).toContain(message);
  });

  it('names the file when it does not exist', async () => {
    const { readConfig } = await import('../src/config/config.js');
    await expect(readConfig('/nowhere/run.yaml')).rejects.toThrow("the config file /nowhere/run.yaml can't be read");
  });
});
