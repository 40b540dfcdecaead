import { basename } from 'node:path';
import type { Proposal } from '@macrograd/data';

/** The config of a project made of its owner's own files, every choice said beside it. */
export function projectConfig(name: string, proposals: readonly Proposal[]): string {
  const of = (role: Proposal['role']) => proposals.filter((proposal) => proposal.role === role);
  return [
    '# Written by "macrograd init" from the files of this folder. Look over what it took them for; the reasons stand',
    '# beside. "macrograd check config.yaml" shows what is understood, "macrograd run" fits everything.',
    `name: ${quoted(name)}`,
    '',
    'factors:',
    ...of('factors').flatMap(factorLines),
    '',
    'assets:',
    ...of('assets').flatMap(assetLines),
    '',
    'output: out/',
    '',
  ].join('\n');
}

function factorLines({ table, reason, series, passedOver }: Proposal): string[] {
  const left = passedOver.length > 0 ? [`    # left out, ${passedOver.length}: ${passedOver.join(', ')}`] : [];
  return [
    `  - file: ${quoted(basename(table.file))} # ${reason}`,
    '    series:',
    ...series.map(({ column, transform, unit, reason: why }) => {
      const step = transform === undefined ? '' : `, transform: ${transform}`;
      const told = unit === undefined ? '' : `, unit: ${quoted(unit)}`;
      return `      ${quoted(column)}: { column: ${quoted(column)}${step}${told} } # ${why}`;
    }),
    ...left,
  ];
}

function assetLines({ table, reason, values, unit, riskFree, passedOver }: Proposal): string[] {
  const taken = [...table.series.keys()].filter((name) => name !== riskFree && !passedOver.includes(name));
  const isPart = taken.length < table.series.size;
  const left = passedOver.length > 0 ? ` # left out: ${passedOver.join(', ')}` : '';
  return [
    `  - file: ${quoted(basename(table.file))} # ${reason}`,
    `    values: ${values}`,
    ...(unit === undefined ? [] : [`    unit: ${unit} # told from their size`]),
    ...(riskFree === undefined
      ? ['    # Without risk_free, returns are not in excess of the rate on cash.']
      : [`    risk_free: { series: ${quoted(riskFree)}, unit: ${unit ?? 'decimal'} }`]),
    ...(isPart ? [`    columns: [${taken.map(quoted).join(', ')}]${left}`] : []),
  ];
}

/** A YAML scalar: plain where that is safe, else quoted as in JSON. */
function quoted(text: string): string {
  return /^[A-Za-z_][\w.-]*$/.test(text) && !/^(?:y|n|yes|no|true|false|on|off|null)$/i.test(text)
    ? text
    : JSON.stringify(text);
}
