import type { Findings, PairFinding } from '@macrograd/pipeline';
import type { Command } from 'commander';
import pc from 'picocolors';
import { answer, type FindingsOptions, findingsOptions, interval, probability, readPairs } from '../findings.js';
import { formatCount, formatNumber, formatTable } from '../format.js';
import type { Perform } from '../program.js';
import { describeVerb } from '../session.js';

/** `macrograd thresholds`: at which level of what an exposure changes its sign. */
export function addThresholds(program: Command, perform: Perform): void {
  const command = program
    .command('thresholds')
    .summary('levels at which exposures change their sign, by a finished run')
    .description(
      'Lists the exposures that provably change their sign along the level of a series: the level with its interval, ' +
        'and the test against an exposure that does not change. A dash is an end with no sure sign beyond it.',
    );
  describeVerb(findingsOptions(command), 'macrograd thresholds out --method lstm').action(
    (dir: string, options: FindingsOptions) =>
      perform(options, (session) =>
        answer(session, dir, options, {
          read: readPairs,
          proven: ({ threshold }) => threshold !== undefined && !Number.isNaN(threshold.level),
          tested: ({ threshold }) => threshold !== undefined,
          order: ({ threshold }) => threshold?.pValue ?? Number.NaN,
          title: thresholdTitle,
          text: thresholdText,
        }),
      ),
  );
}

function thresholdTitle(count: number, { pairs, record }: Findings): string {
  const tested = pairs.filter(({ threshold }) => threshold !== undefined).length;
  if (tested === 0) return 'no exposure of this method depends on a state: thresholds are those of lstm and spline';
  const found = count === 0 ? 'no change of sign is provable' : `${formatCount(count)} changes of sign are provable`;
  return `${found} among ${formatCount(tested)} exposures tested, at a false-discovery rate of ${record.screening_level}`;
}

function thresholdText(pairs: readonly PairFinding[], { record }: Findings): string {
  const rows = pairs.flatMap(({ asset, factor, threshold }) => {
    if (!threshold) return [];
    const { variable, level, lo, hi, unit, pValue, qValue } = threshold;
    const found = !Number.isNaN(level);
    const place = found ? [formatNumber(level, 2), pc.dim(interval(lo, hi))] : ['-', ''];
    const remark = found ? '' : qValue <= record.screening_level ? 'changes, keeps its sign' : 'not provable';
    return [
      [asset, factor, variable, ...place, pc.dim(unit), probability(pValue), probability(qValue), pc.dim(remark)],
    ];
  });
  const coverage = `${Math.round(100 * record.interval_coverage)} % interval`;
  const head = ['asset', 'factor', 'along', 'threshold', coverage, '', 'p', 'q', ''].map(pc.dim);
  return formatTable([head, ...rows], ['left', 'left', 'left', 'right', 'right', 'left', 'right', 'right', 'left']);
}
