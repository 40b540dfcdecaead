import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandFile, macrograd } from './command.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'macrograd-cli-run-'));
  macrograd(['init', 'demo'], { cwd: folder });
  const file = join(folder, 'demo', 'config.yaml');
  const span = 'span: { start: 1985-01, end: 2005-12 }';
  const text = readFileSync(file, 'utf8').replace(/^span: .*$/m, span);
  writeFileSync(file, `${text}\nmethods: [zero, ols]\n`);
  writeFileSync(join(folder, 'demo', 'long.yaml'), `${text}\nmethods: [zero, lstm]\nlstm: { lookback: 36 }\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('macrograd run', () => {
  it('estimates the cost and writes nothing with --dry-run', () => {
    const { code, stdout } = macrograd(['run', 'demo/config.yaml', '--dry-run', '--json'], { cwd: folder });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ rows: 252, assets: 54, factors: 11, reused: false });
    expect(existsSync(join(folder, 'demo', 'out'))).toBe(false);
  });

  it('prints scores, exposures, known truths, warnings and where the report is', () => {
    const { code, stdout, stderr } = macrograd(['run', 'demo/config.yaml', '--output', 'result'], { cwd: folder });
    expect(code).toBe(0);
    expect(stdout).toMatch(/us-sample {2}54 assets, 1985-01-31 to 2005-12-31/);
    expect(stdout).toMatch(/^ {2}ols +[−\d.]+ /m);
    expect(stdout).toMatch(/ok {2,}GBP_CASH on GBP, ols/);
    expect(stdout).toMatch(/! 20 assets \(AAPL, AMD, BAC and 17 more\)/);
    expect(stdout).toMatch(/Report: .*result\/report\/index\.html\n$/);
    expect(stderr).toMatch(/^ *\d+% {2}/m);
    // Without a terminal nothing is drawn over.
    expect(stderr).not.toContain('\r');
  });

  it('uses the finished result, and says it as JSON', () => {
    const args = ['run', 'demo/config.yaml', '--output', 'result', '--json', '--quiet'];
    const { code, stdout } = macrograd(args, { cwd: folder });
    expect(code).toBe(0);
    const said = JSON.parse(stdout);
    expect(said).toMatchObject({
      reused: true,
      methods: [{ method: 'zero' }, { method: 'ols' }, { method: 'chosen' }],
    });
    expect(existsSync(said.report)).toBe(true);
  });

  it('makes report and ONNX export of the result anew', () => {
    rmSync(join(folder, 'result', 'report'), { recursive: true });
    expect(macrograd(['report', 'result', '--quiet'], { cwd: folder })).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(existsSync(join(folder, 'result', 'report', 'index.html'))).toBe(true);
    rmSync(join(folder, 'result', 'onnx'), { recursive: true });
    const { code, stdout } = macrograd(['export', 'onnx', 'result', '--json'], { cwd: folder });
    expect(code).toBe(0);
    const [{ returns, exposures, files }] = JSON.parse(stdout);
    for (const { maxRelativeError, compared } of [returns, exposures]) {
      expect(maxRelativeError).toBeLessThan(1e-5);
      expect(compared).toBeGreaterThan(0);
    }
    for (const { file } of files) expect(existsSync(join(folder, file))).toBe(true);
  });

  it('exports the chosen mix as one form of all assets', () => {
    const options = ['--method', 'chosen', '--forms', 'cumulative', '--all-assets', '--json'];
    const { code, stdout } = macrograd(['export', 'onnx', 'result', ...options], { cwd: folder });
    expect(code).toBe(0);
    const [{ method, exposures, files }] = JSON.parse(stdout);
    expect(method).toBe('chosen');
    expect(exposures.compared).toBeGreaterThan(0);
    const written = files.map(({ file }: { file: string }) => file);
    expect(written).toEqual(['model.onnx', 'exposures.onnx'].map((name) => join('result', 'onnx', 'chosen', name)));
    const refused = macrograd(['export', 'onnx', 'result', '--forms', 'total'], { cwd: folder });
    expect(refused.code).toBe(2);
  });

  it('says which exports are left where a run has no LSTM', () => {
    const { code, stderr } = macrograd(['export', 'tfjs', 'result'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(/there is no LSTM.*macrograd export onnx/);
  });

  it('checks a model of the result, and refuses it once a byte is changed', () => {
    const { code, stdout } = macrograd(['check', 'result/models/ols', '--json'], { cwd: folder });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'model', method: 'ols', frequency: 'M', horizon: 0 });
    const tensors = join(folder, 'result', 'models', 'zero', 'model.safetensors');
    const bytes = readFileSync(tensors);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(tensors, bytes);
    const refused = macrograd(['check', 'result/models/zero/model.safetensors'], { cwd: folder });
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/^result\/models\/zero\/model\.safetensors: /);
  });

  it('answers what is provable, with units, intervals and q-values', () => {
    const { code, stdout } = macrograd(['screen', 'result', '--method', 'ols'], { cwd: folder });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^us-sample {2}\d+ of 594 links are provable.*rate of 0.1 \(returns of the factor's own period/,
    );
    expect(stdout).toMatch(/^ {2}GBP_CASH +GBP +[\d.]+ +[\d.]+ to [\d.]+ +% per 1 log-% +<.001 +<.001 +gains/m);
    const said = JSON.parse(
      macrograd(['screen', 'result', '--method', 'ols', '--all', '--json'], { cwd: folder }).stdout,
    );
    expect(said.pairs).toHaveLength(594);
    const proven = said.pairs.filter((pair: { selected: boolean }) => pair.selected);
    expect(proven).toHaveLength(said.proven);
    expect(proven.every((pair: { qValue: number }) => pair.qValue <= said.level)).toBe(true);
  });

  it('shows the exposures of one asset, and says where there are no thresholds or interactions', () => {
    const one = macrograd(['exposures', 'result', '--asset', 'BOND10', '--method', 'ols', '--json'], { cwd: folder });
    const { pairs } = JSON.parse(one.stdout);
    expect(pairs).toHaveLength(11);
    const [{ exposure, lo, hi, unit }] = pairs.filter((pair: { factor: string }) => pair.factor === 'RATE10');
    expect(unit).toBe('pp');
    expect(lo < exposure && exposure < hi).toBe(true);
    const thresholds = macrograd(['thresholds', 'result', '--method', 'ols'], { cwd: folder });
    expect(thresholds.stdout).toContain('no exposure of this method depends on a state');
    const interactions = macrograd(['interactions', 'result', '--all', '--json'], { cwd: folder });
    expect(JSON.parse(interactions.stdout).pairs).toHaveLength(594);
  });

  it.each(['screen', 'exposures', 'thresholds', 'interactions'])('%s refuses a directory that no run wrote', (verb) => {
    const { code, stderr } = macrograd([verb, 'demo'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^demo: .*give the directory that `macrograd run` wrote/);
  });

  it('refuses an asset that the run does not have, and names those it has', () => {
    const { code, stderr } = macrograd(['screen', 'result', '--asset', 'NOPE'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(/the run has no asset "NOPE"; give one of NoDur, .* and 42 more/);
  });

  it('does not overwrite a directory that holds something else', () => {
    const { code, stderr } = macrograd(['run', 'demo/config.yaml', '--output', 'demo'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain('not a macrograd result');
  });

  it('stops on an interrupt with 130, says so and leaves nothing behind', async () => {
    const child = spawn(process.execPath, [commandFile, 'run', 'demo/long.yaml', '--output', 'stopped'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (text: Buffer) => {
      // The first line comes before the data are read; the second once fits have begun.
      if (/fits: /.test(text.toString()) && !said.includes('fits: ')) child.kill('SIGINT');
      said += text.toString();
    });
    const code = await new Promise((resolve) => child.on('exit', resolve));
    expect(code).toBe(130);
    expect(said).toContain('interrupted: no result was written; the same command starts again');
    expect(readdirSync(folder).sort()).toEqual(['demo', 'result']);
  });
});

describe('macrograd simulate', () => {
  it("says what intervals hold in worlds made by a fit of one's data, and refuses a config without an LSTM", () => {
    const world = ['simulate', '--process', 'i', '--assets', '4', '--months', '120', '--data', 'like', '--json'];
    const { config } = JSON.parse(macrograd(world, { cwd: folder }).stdout) as { config: string };
    const file = join(folder, config);
    writeFileSync(file, `${readFileSync(file, 'utf8')}lstm: { members: 2, steps: 20, lookback: 1 }\n`);
    const { code, stdout } = macrograd(['simulate', '--like', config, '--worlds', '1', '--json'], { cwd: folder });
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as {
      worlds: number;
      factors: { factor: string; coverage: number; scale: number }[];
    };
    expect(result.worlds).toBe(1);
    expect(result.factors.map(({ factor }) => factor)).toHaveLength(7);
    for (const { coverage, scale } of result.factors) {
      expect(coverage).toBeGreaterThan(0);
      expect(coverage).toBeLessThanOrEqual(1);
      expect(scale).toBeGreaterThan(0);
    }
    const linear = ['simulate', '--like', config, '--worlds', '1', '--methods', 'ols, ewm_ols', '--json'];
    const tables = macrograd(linear, { cwd: folder }).stdout.trim().split('\n');
    expect(tables.map((line) => (JSON.parse(line) as { method: string }).method)).toEqual(['ols', 'ewm_ols']);
    const without = macrograd(['simulate', '--like', 'demo/config.yaml'], { cwd: folder });
    expect(without.code).toBe(2);
    expect(without.stderr).toContain('the config has no method lstm; it has zero, ols');
  });

  it('scores the methods against known exposures', () => {
    const args = ['simulate', '--process', 'i', '--assets', '10', '--months', '150', '--methods', 'zero,ols', '--json'];
    const { code, stdout } = macrograd(args);
    expect(code).toBe(0);
    const [zero, ols] = JSON.parse(stdout);
    expect(ols.score).toBeLessThan(zero.score);
    expect(macrograd(args).stdout).toBe(stdout);
  });

  it('writes a world that the other verbs understand, with the truth beside it', () => {
    const args = ['simulate', '--process', 'v', '--assets', '3', '--months', '120', '--data', 'world', '--json'];
    const { code, stdout } = macrograd(args, { cwd: folder });
    expect(code).toBe(0);
    const { config } = JSON.parse(stdout);
    const check = macrograd(['check', config, '--json'], { cwd: folder });
    expect(check.code).toBe(0);
    // Two scored factors, three assets, 120 months, a header.
    expect(
      readFileSync(join(folder, 'world', 'truth.csv'), 'utf8')
        .trimEnd()
        .split('\n'),
    ).toHaveLength(721);
  });

  it('refuses a method that does not exist', () => {
    const { code, stderr } = macrograd(['simulate', '--methods', 'ols,garch']);
    expect(code).toBe(2);
    expect(stderr).toContain('"garch"');
  });
});
