import type { Findings, PairFinding } from '@macrograd/pipeline';
import type { Command } from 'commander';
import pc from 'picocolors';
import {
  answer,
  exposureCells,
  type FindingsOptions,
  findingsOptions,
  probability,
  readPairs,
  timingNote,
} from '../findings.js';
import { formatCount, formatNumber, formatTable } from '../format.js';
import type { Perform } from '../program.js';
import { describeVerb } from '../session.js';

/** `macrograd screen`: which factors matter, with false discoveries under control. */
export function addScreen(program: Command, perform: Perform): void {
  const command = program
    .command('screen')
    .summary('which factors move which assets, by a finished run')
    .description(
      'Lists the pairs of asset and factor whose link is provable after false-discovery control over all pairs, ' +
        'surest first. What is not listed is not provable with these data; --all lists it too.',
    );
  describeVerb(findingsOptions(command), 'macrograd screen out --factor RATE10').action(
    (dir: string, options: FindingsOptions) =>
      perform(options, (session) =>
        answer(session, dir, options, {
          read: readPairs,
          proven: ({ selected }) => selected,
          order: ({ qValue }) => qValue,
          title: screenTitle,
          text: screenText,
        }),
      ),
  );
}

function screenTitle(count: number, findings: Findings): string {
  const { pairs, record } = findings;
  const what =
    count === 0
      ? `none of ${formatCount(pairs.length)} links is provable`
      : `${formatCount(count)} of ${formatCount(pairs.length)} links are provable, for the others an exposure is not`;
  return `${what}, at a false-discovery rate of ${record.screening_level} (${timingNote(findings)})`;
}

function screenText(pairs: readonly PairFinding[], { record }: Findings): string {
  const withTwins = pairs.some(({ twins }) => twins !== undefined);
  const rows = pairs.map((pair) => [
    pair.asset,
    pair.factor,
    ...exposureCells(pair),
    probability(pair.pValue),
    probability(pair.qValue),
    ...(withTwins ? twinCells(pair) : []),
    verdict(pair),
  ]);
  const coverage = `${Math.round(100 * record.interval_coverage)} % interval`;
  const more = withTwins ? ['LASSO q', 'stable', 'knockoff'] : [];
  const head = ['asset', 'factor', 'exposure', coverage, '', 'p', 'q', ...more, ''].map(pc.dim);
  const numbers = more.map(() => 'right' as const);
  return formatTable([head, ...rows], ['left', 'left', 'right', 'right', 'left', 'right', 'right', ...numbers, 'left']);
}

/** q of double selection, share of halves in which a LASSO chooses the factor, and whether knockoffs keep it. */
function twinCells({ twins }: PairFinding): string[] {
  if (!twins) return ['-', '-', '-'];
  const { stability, stabilitySelected, knockoffSelected } = twins;
  const share = `${formatNumber(stability, 2)}${stabilitySelected ? ' *' : ''}`;
  const kept = knockoffSelected === null ? '-' : knockoffSelected ? 'kept' : 'not kept';
  return [probability(twins.doubleSelectionQValue), share, kept];
}

function verdict({ selected, sign, inRegime, qValue }: PairFinding): string {
  if (!selected) return pc.dim(Number.isNaN(qValue) ? 'no exposure chosen' : 'not provable');
  const what = sign === 0 ? pc.yellow('moves, mean sign not provable') : sign > 0 ? pc.green('gains') : pc.red('loses');
  return inRegime ? what : `${what} ${pc.yellow('state hardly seen')}`;
}
