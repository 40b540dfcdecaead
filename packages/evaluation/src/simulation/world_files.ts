import { formatIsoDate, type Panel } from '@macrograd/core';
import type { World } from './world.js';

/**
 * A simulated world as the files of a project, by name: `config.yaml` runs with `macrograd run`; `truth.csv` holds the
 * true exposures of the scored factors, which no method sees.
 *
 * `truth.csv` is long: exposure in decimal return per population SD of the factor, unit_exposure per one unit.
 */
export function worldFiles(world: World): Record<string, string> {
  return {
    'config.yaml': config(world),
    'macro.csv': macro(world.panel),
    'returns.csv': returns(world.panel),
    'truth.csv': truth(world),
  };
}

function config({ process, seed, r2, panel }: World): string {
  const series = panel.inputs.factors.map(
    ({ name, unit, role }) =>
      `      ${name}: { column: ${name}, transform: none, unit: ${unit}${role === 'factor' ? '' : `, role: ${role}`} }`,
  );
  return [
    `# Simulated: process ${process}, seed ${seed}, R2 ${r2}. The true exposures are in truth.csv.`,
    `name: simulated-${process}`,
    `seed: ${seed}`,
    'factors:',
    '  - file: macro.csv',
    '    series:',
    ...series,
    'assets:',
    '  - { file: returns.csv, values: returns, unit: decimal, return: excess }',
    'output: out/',
    '',
  ].join('\n');
}

function macro({ axis, inputs }: Panel): string {
  const names = inputs.factors.map((factor) => factor.name);
  return table(['date', ...names], axis.dates, inputs.values);
}

function returns({ axis, assets, returns: values }: Panel): string {
  return table(['date', ...assets.map((asset) => asset.name)], axis.dates, values);
}

/** A header and one line a date of a row-major [date][column] matrix. */
function table(header: readonly string[], dates: Int32Array, values: Float64Array): string {
  const columns = header.length - 1;
  const lines = Array.from(dates, (date, row) =>
    [formatIsoDate(date), ...values.subarray(row * columns, (row + 1) * columns)].join(','),
  );
  return `${[header.join(','), ...lines].join('\n')}\n`;
}

function truth({ panel, truth: { exposure, factorSd, scored, kind } }: World): string {
  const { dates } = panel.axis;
  const days = Array.from(dates, formatIsoDate);
  const factors = panel.inputs.factors.filter(({ role }) => role === 'factor');
  const lines = panel.assets.flatMap(({ name }, asset) =>
    scored.flatMap((j) =>
      days.map((day, row) => {
        const value = exposure[(asset * dates.length + row) * factors.length + j];
        return [name, day, factors[j].name, kind, value, value / factorSd[j]].join(',');
      }),
    ),
  );
  return `${['asset,date,factor,kind,exposure,unit_exposure', ...lines].join('\n')}\n`;
}
