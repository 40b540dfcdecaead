import type { Findings, PairFinding } from '@macrograd/pipeline';
import type { Command } from 'commander';
import pc from 'picocolors';
import {
  answer,
  exposureCells,
  type FindingsOptions,
  findingsOptions,
  percent,
  readPairs,
  timingNote,
} from '../findings.js';
import { formatCount, formatNumber, formatTable } from '../format.js';
import type { Perform } from '../program.js';
import { describeVerb } from '../session.js';

/** `macrograd exposures`: how strongly, how fast, and whether today's state is one to believe them in. */
export function addExposures(program: Command, perform: Perform): void {
  const command = program
    .command('exposures')
    .summary('size, interval, latest value and speed of every exposure, by a finished run')
    .description(
      'Lists every exposure of a method fitted on the whole span: mean over dates with its interval, the latest, the ' +
        'lag of the largest response, the lag by which half has come, and whether the state today was hardly seen.',
    );
  describeVerb(findingsOptions(command), 'macrograd exposures out --asset BOND10').action(
    (dir: string, options: FindingsOptions) =>
      perform(options, (session) =>
        answer(session, dir, options, {
          read: readPairs,
          proven: ({ exposure }) => !Number.isNaN(exposure),
          order: () => 0,
          title: exposuresTitle,
          text: exposuresText,
        }),
      ),
  );
}

/** `3 (1 to 5)`: a number of periods with its interval, where it has one. */
function lagCell(lag: number, [lo, hi]: readonly [number, number]): string {
  const text = formatNumber(lag, 0);
  return Number.isNaN(lo) ? text : `${text} (${formatNumber(lo, 0)} to ${formatNumber(hi, 0)})`;
}

function exposuresTitle(count: number, findings: Findings): string {
  return `${formatCount(count)} exposures (${timingNote(findings)})`;
}

function exposuresText(pairs: readonly PairFinding[], { record }: Findings): string {
  const rows = pairs.map((pair) => [
    pair.asset,
    pair.factor,
    ...exposureCells(pair),
    percent(pair.latest),
    lagCell(pair.peakLag, pair.peakLagInterval),
    lagCell(pair.halfLife, pair.halfLifeInterval),
    pair.inRegime ? '' : pc.yellow('state hardly seen'),
    pair.selected ? '' : pc.dim('not provable'),
  ]);
  const coverage = `${Math.round(100 * record.interval_coverage)} % interval`;
  const head = ['asset', 'factor', 'mean', coverage, '', 'latest', 'peak lag', 'half-life', '', ''].map(pc.dim);
  return formatTable(
    [head, ...rows],
    ['left', 'left', 'right', 'right', 'left', 'right', 'right', 'right', 'left', 'left'],
  );
}
