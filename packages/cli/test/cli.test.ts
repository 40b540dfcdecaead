import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { macrograd } from './command.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'macrograd-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

describe('macrograd --help', () => {
  it('lists the verbs that exist, and no other', () => {
    const { code, stdout } = macrograd(['--help']);
    expect(code).toBe(0);
    const verbs = [...stdout.matchAll(/^ {2}(\w+) .*(?:\[|<|write a finished)/gm)].map((match) => match[1]);
    expect(verbs).toEqual([
      'init',
      'check',
      'fetch',
      'run',
      'screen',
      'exposures',
      'thresholds',
      'interactions',
      'report',
      'export',
      'simulate',
      'help',
    ]);
  });

  it.each([
    ['init'],
    ['check'],
    ['fetch'],
    ['run'],
    ['screen'],
    ['exposures'],
    ['thresholds'],
    ['interactions'],
    ['report'],
    ['export', 'onnx'],
    ['export', 'tfjs'],
    ['simulate'],
  ])('shows options and an example for %s %s', (...verb) => {
    const { code, stdout } = macrograd([...verb, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('--json');
    expect(stdout).toContain('--quiet');
    expect(stdout).toContain(`$ macrograd ${verb.join(' ')}`);
  });

  it.each([
    ['an unknown verb', ['rn'], 'Did you mean run?'],
    ['a missing argument', ['report'], "missing required argument 'dir'"],
    ['an option that is no number', ['run', 'a.yaml', '--threads', 'x'], 'Give a whole number from 1.'],
    ['an unknown process', ['simulate', '--process', 'xx'], 'Allowed choices are'],
  ])('refuses %s with 2', (_what, args, message) => {
    const { code, stderr } = macrograd(args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe('macrograd check', () => {
  it.each([
    ['an empty file', '', 'a.csv: this file is empty'],
    ['a header only', 'date,x\n', 'a.csv:1: there is a header and no row of data'],
    ['ragged rows', 'date,x\n2000-01-31,1\n2000-02-29,1,2\n', 'a.csv:3:14: this row has 3 cells, the header has 2'],
    ['text in a number column', 'date,x\n2000-01-31,1\n2000-02-29,up\n', 'a.csv:3:12: "up" is not a number'],
    ['a duplicate date', 'date,x\n2000-01-31,1\n2000-02-29,2\n2000-02-29,3\n2000-03-31,4\n', 'a.csv:4:1: '],
  ])('refuses %s with its place, a remedy and 2', (_what, text, message) => {
    const { code, stdout, stderr } = macrograd(['check', file('a.csv', text)], { cwd: folder });
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/; \w+/);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it('refuses an unknown config key with its place and the nearest key', () => {
    const name = file('a.yaml', 'factors:\n  - file: m.csv\nassets:\n  - file: r.csv\noutputs: out\n');
    const { code, stderr } = macrograd(['check', name], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toBe('a.yaml:5:1: unknown key "outputs"; did you mean "output"?\n');
  });

  it('refuses a file that does not exist', () => {
    const { code, stderr } = macrograd(['check', 'nothing.csv'], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toBe('error: there is no file nothing.csv; check the path\n');
  });

  it('says rows, dates, frequency and gaps of a data file, as JSON too', () => {
    const rows = ['2000-01-31,1,', '2000-02-29,,5', '2000-03-31,3,6', '2000-04-30,4,7'];
    const name = file('good.csv', `date,a,b\n${rows.join('\n')}\n`);
    const { code, stdout } = macrograd(['check', name, '--json'], { cwd: folder });
    expect(code).toBe(0);
    const monthly = { frequency: 'monthly', last: '2000-04-30', observed: 3 };
    expect(JSON.parse(stdout)).toEqual({
      kind: 'data',
      file: name,
      format: 'wide',
      rows: 4,
      columns: [
        { name: 'a', ...monthly, first: '2000-01-31', gaps: 1 },
        { name: 'b', ...monthly, first: '2000-02-29', gaps: 0 },
      ],
    });
  });

  it('counts periods that a file leaves out as gaps', () => {
    const name = file('holes.csv', 'date,a\n2000-01,1\n2000-02,2\n2000-03,2\n2004-01,3\n2004-02,5\n');
    const { stdout } = macrograd(['check', name, '--json'], { cwd: folder });
    expect(JSON.parse(stdout).columns).toEqual([
      { name: 'a', frequency: 'monthly', first: '2000-01-31', last: '2004-02-29', observed: 5, gaps: 45 },
    ]);
  });

  it('prints nothing but errors with --quiet', () => {
    const name = file('quiet.csv', 'date,a\n2000-01-31,1\n2000-02-29,2\n');
    expect(macrograd(['check', name, '--quiet'], { cwd: folder })).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

describe('macrograd init', () => {
  it('writes a project whose config and data are understood', () => {
    expect(macrograd(['init', 'demo'], { cwd: folder }).code).toBe(0);
    expect(readdirSync(join(folder, 'demo'))).toEqual(
      expect.arrayContaining(['config.yaml', 'macro.csv', 'README.md']),
    );
    const { code, stdout } = macrograd(['check', 'demo/config.yaml', '--json'], { cwd: folder });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ name: 'us-sample', frequency: 'monthly', rows: 753 });
  });

  it('refuses a directory that holds something else, or a config', () => {
    const other = mkdtempSync(join(folder, 'other-'));
    writeFileSync(join(other, 'notes.md'), 'x');
    const plain = macrograd(['init', '.'], { cwd: other });
    expect(plain.code).toBe(2);
    expect(plain.stderr).toContain('is not empty and holds no data file; name a new directory');
    const again = macrograd(['init', 'demo'], { cwd: folder });
    expect(again.code).toBe(2);
    expect(again.stderr).toContain('demo/config.yaml: there is a config.yaml already');
  });
});

describe('macrograd init with files of one’s own', () => {
  const months = Array.from({ length: 120 }, (_, t) => new Date(Date.UTC(2000, t + 1, 0)).toISOString().slice(0, 10));
  const lines = (header: string, row: (t: number) => readonly (number | string)[]) =>
    [header, ...months.map((day, t) => [day, ...row(t)].join(','))].join('\n');
  const macro = lines('date,CPI,RATE', (t) => [
    100 * 1.002 ** t * (1 + Math.sin(7 * t * t) / 500),
    5 + 3 * Math.sin(t / 20) + Math.cos(3 * t * t) / 5,
  ]);
  const returns = lines('date,FUND,OTHER', (t) => [Math.sin(t * t) / 20, Math.cos(t * t) / 25]);

  function project(files: Record<string, string>): string {
    const dir = mkdtempSync(join(folder, 'own-'));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
    return dir;
  }

  it('makes a config that runs, from two csv files and nothing else', () => {
    const dir = project({ 'a.csv': macro, 'b.csv': returns });
    const { code, stderr } = macrograd(['init'], { cwd: dir });
    expect(code).toBe(0);
    expect(stderr).toContain('a.csv: macro series, since CPI is a macro series');
    expect(stderr).toContain('b.csv: assets, since its numbers look like returns');
    const config = readFileSync(join(dir, 'config.yaml'), 'utf8');
    expect(config).toContain('CPI: { column: CPI, transform: dlog } # a positive level: its growth');
    expect(config).toContain('RATE: { column: RATE, transform: diff }');
    expect(config).toContain('unit: decimal');
    writeFileSync(join(dir, 'config.yaml'), `${config}methods: [zero, ols]\n`);
    const run = macrograd(['run', '--json', '--quiet'], { cwd: dir });
    expect([run.code, run.stderr]).toEqual([0, '']);
    expect(existsSync(join(dir, 'out', 'report', 'index.html'))).toBe(true);
  });

  it('asks which of two files of positive levels holds assets, and takes the answer', () => {
    const levels = (shift: number) => lines('date,X,Y', (t) => [100 + t + Math.sin(t * t + shift), 50 + t]);
    const dir = project({ 'm.csv': levels(1), 'p.csv': levels(2) });
    const unsure = macrograd(['init'], { cwd: dir });
    expect(unsure.code).toBe(2);
    expect(unsure.stderr).toContain(
      'm.csv: this file may hold macro series or prices of assets; say which: macrograd init',
    );
    expect(macrograd(['init', '.', '--factors', 'm.csv', '--assets', 'p.csv'], { cwd: dir }).code).toBe(0);
    expect(readFileSync(join(dir, 'config.yaml'), 'utf8')).toContain('values: prices');
  });

  it('knows which of FRED’s series are in per cent, and leaves the others', () => {
    const rates = lines('date,GS10,OTHER', (t) => [5 + 3 * Math.sin(t / 20), 5 + 3 * Math.cos(t / 20)]);
    const dir = project({ 'macro.csv': rates, 'returns.csv': returns });
    expect(macrograd(['init'], { cwd: dir }).code).toBe(0);
    const config = readFileSync(join(dir, 'config.yaml'), 'utf8');
    expect(config).toContain('GS10: { column: GS10, transform: diff, unit: "%" }');
    expect(config).toContain('OTHER: { column: OTHER, transform: diff }');
    const { stdout } = macrograd(['check', 'config.yaml', '--json'], { cwd: dir });
    expect(JSON.parse(stdout).factors.map(({ unit }: { unit: string }) => unit)).toEqual(['pp', 'unit']);
  });

  it('refuses files of one kind alone', () => {
    const { code, stderr } = macrograd(['init'], { cwd: project({ 'returns.csv': returns }) });
    expect(code).toBe(2);
    expect(stderr).toContain('none of the files seems to hold macro series');
  });
});

describe('macrograd fetch', () => {
  it.each([
    ['a source that does not exist', ['ecb:ICP'], '"ecb:ICP" is no source; write fred:CPIAUCSL'],
    ['FRED without a key', ['fred:CPIAUCSL'], 'FRED asks for a key; get one (free)'],
  ])('refuses %s with 2', (_what, args, message) => {
    const { code, stderr } = macrograd(['fetch', ...args], { cwd: folder, env: { FRED_API_KEY: '' } });
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  it('fails with 1 where nothing answers', () => {
    const args = ['fetch', 'fred-md', '--base-url', 'http://127.0.0.1:9', '--retries', '0'];
    const { code, stderr } = macrograd(args, { cwd: folder });
    expect([code, stderr]).toEqual([1, expect.stringContaining('did not answer')]);
  });
});

describe('errors', () => {
  it('show a stack trace only when asked for', () => {
    const args = ['report', join(folder, 'nothing')];
    const plain = macrograd(args);
    expect(plain.code).toBe(2);
    expect(plain.stderr).not.toMatch(/^\s+at /m);
    expect(macrograd(args, { env: { MACROGRAD_DEBUG: '1' } }).stderr).toMatch(/^\s+at /m);
  });
});
