import { basename } from 'node:path';
import type { Frequency, MethodId } from '@macrograd/core';
import { type ColumnFacts, describePanel, describeTable, readNewest } from '@macrograd/data';
import { type DataSheet, dataSheet, dataSheetRecord, loadConfig, type RunConfig } from '@macrograd/pipeline';
import { readModel } from '@macrograd/store';
import pc from 'picocolors';
import { formatCount, formatTable } from './format.js';

/** What was understood of an input, for people and for programs. */
export interface Facts {
  readonly text: string;
  readonly data: unknown;
  readonly notes: readonly string[];
}

const frequencyNames: Readonly<Record<Frequency, string>> = {
  D: 'daily',
  W: 'weekly',
  M: 'monthly',
  Q: 'quarterly',
  A: 'annual',
};

/** First and last date, number of observations and of missing values between them. */
interface Coverage {
  readonly first: string;
  readonly last: string;
  readonly observed: number;
  readonly gaps: number;
}

/** Facts of a data file, or of the newest of a folder of vintages, column by column. */
export async function dataFacts(file: string): Promise<Facts> {
  const table = await readNewest({ file });
  const columns = describeTable(table).series.map(({ name, frequency, ...own }) => ({
    name,
    frequency: frequencyNames[frequency],
    ...coverageOf(own),
  }));
  const rows = Math.max(...[...table.series.values()].map(({ dates }) => dates.length));
  const lines = [
    `${pc.bold(basename(file))}: ${table.format}, ${plural(rows, 'row')}, ${plural(columns.length, 'series', 'series')}`,
    formatTable(
      [
        ['series', 'frequency', 'first', 'last', 'values', 'gaps'].map(pc.dim),
        ...columns.map(({ name, frequency, first, last, observed, gaps }) => [
          name,
          frequency,
          first,
          last,
          formatCount(observed),
          gapText(gaps),
        ]),
      ],
      ['left', 'left', 'left', 'left', 'right', 'right'],
    ),
  ];
  const { format, notes } = table;
  return { text: lines.join('\n'), data: { kind: 'data', file, format, rows, columns }, notes };
}

/** Facts of a config and of the panel that it makes. */
export async function configFacts(file: string): Promise<Facts> {
  const { config, panel, notes } = await loadConfig(file);
  const about = describePanel(panel);
  const span = { first: about.first, last: about.last };
  const factors = about.series.map(({ name, role, unit, transform, releaseLag, ...own }) => ({
    name,
    role,
    unit,
    transform,
    release_lag: releaseLag,
    ...coverageOf(own),
  }));
  const assets = about.assets.map(({ name, labels, ...own }) => ({ name, labels, ...coverageOf(own) }));
  const frequency = frequencyNames[panel.axis.frequency];
  const sheet = dataSheet(panel.inputs);
  const data = {
    kind: 'config',
    sheet: dataSheetRecord(panel, sheet),
    file,
    name: config.name,
    frequency,
    rows: about.rows,
    ...span,
    factors,
    assets,
  };
  const lines = [
    `${pc.bold(config.name)}: ${plural(about.rows, 'row')}, ${frequency}, ${span.first} to ${span.last}`,
    `${plural(factors.length, 'series', 'series')}`,
    formatTable(
      [
        ['series', 'role', 'transform', 'unit', 'first', 'last', 'gaps'].map(pc.dim),
        ...factors.map((f) => [f.name, f.role, f.transform, f.unit, f.first, f.last, gapText(f.gaps)]),
      ],
      ['left', 'left', 'left', 'left', 'left', 'left', 'right'],
    ),
    ...sheetLines(sheet),
    plural(assets.length, 'asset'),
    formatTable(
      [
        ['first', 'last', 'gaps', 'assets'].map(pc.dim),
        ...alike(assets).map(([{ first, last, gaps }, names]) => [first, last, gapText(gaps), listed(names)]),
      ],
      ['left', 'left', 'right', 'left'],
    ),
    `methods  ${config.methods.map((method) => methodText(config, method)).join(', ')}`,
    `output   ${config.output.dir}`,
  ];
  return { text: lines.join('\n'), data, notes };
}

function methodText({ conditions }: RunConfig, method: MethodId): string {
  const condition = conditions.get(method);
  if (condition === undefined) return method;
  return `${method} by ${condition.state}${condition.level === undefined ? '' : ` at ${condition.level}`}`;
}

/** What tests say of the series, and the advice that follows. */
function sheetLines({ series, conditionNumber, advice }: DataSheet): string[] {
  const number = (value: number, digits: number) => (Number.isNaN(value) ? '-' : value.toFixed(digits));
  const condition = Number.isNaN(conditionNumber)
    ? ''
    : `, condition number of the factors ${number(conditionNumber, 1)}`;
  return [
    `tests${condition}`,
    formatTable(
      [
        ['series', 'unit root p', 'stationary p', 'break', 'VIF'].map(pc.dim),
        ...series.map(({ name, unitRoot, stationary, breakAt, inflation }) => [
          name,
          number(unitRoot, 3),
          number(stationary, 2),
          breakAt ?? pc.dim('none'),
          number(inflation, 1),
        ]),
      ],
      ['left', 'right', 'right', 'left', 'right'],
    ),
    ...advice.map((line) => `  ${pc.yellow('advice')} ${line}`),
  ];
}

/** Facts of a stored model. */
export function modelFacts(dir: string): Facts {
  const { info, parameters } = readModel(dir);
  const { start, end } = info.trainingSpan;
  const series = info.factors.map(({ name }) => name);
  const data = { kind: 'model', dir, method: parameters.method, ...info };
  const lines = [
    `${pc.bold(parameters.method)}: fitted on ${start} to ${end}, ${frequencyNames[info.frequency]}, horizon ${info.horizon}`,
    `  ${plural(info.assets.length, 'asset')}: ${listed(info.assets)}`,
    `  ${plural(series.length, 'series', 'series')}: ${listed(series)}`,
    `  made by macrograd ${info.version}; every hash is right`,
  ];
  return { text: lines.join('\n'), data, notes: [] };
}

function coverageOf({ first = '-', last = '-', observed, gaps }: Omit<ColumnFacts, 'name'>): Coverage {
  return { first, last, observed, gaps };
}

/** Assets that cover the same dates, on one line. */
function alike<T extends Coverage & { readonly name: string }>(assets: readonly T[]): [T, string[]][] {
  const groups = new Map<string, [T, string[]]>();
  for (const asset of assets) {
    const key = `${asset.first} ${asset.last} ${asset.gaps}`;
    const group = groups.get(key) ?? [asset, []];
    group[1].push(asset.name);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function listed(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 7).join(', ')} and ${names.length - 7} more` : names.join(', ');
}

function gapText(gaps: number): string {
  return gaps === 0 ? pc.dim('none') : formatCount(gaps);
}

function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
