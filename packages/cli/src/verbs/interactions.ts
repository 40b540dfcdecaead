import type { Findings, PairFinding } from '@macrograd/pipeline';
import type { Command } from 'commander';
import pc from 'picocolors';
import { answer, exposureCells, type FindingsOptions, findingsOptions } from '../findings.js';
import { formatCount, formatTable } from '../format.js';
import type { Perform } from '../program.js';
import { describeVerb } from '../session.js';

/** `macrograd interactions`: which series changes what another factor does. */
export function addInteractions(program: Command, perform: Perform): void {
  const command = program
    .command('interactions')
    .summary('series whose level moves an exposure, by a finished run')
    .description(
      'Lists the exposures that provably depend on the level of another series together with the factor itself, after ' +
        'false-discovery control over all pairs, with that series.',
    );
  describeVerb(findingsOptions(command), 'macrograd interactions out --method lstm').action(
    (dir: string, options: FindingsOptions) =>
      perform(options, (session) =>
        answer(session, dir, options, {
          proven: ({ topInteraction }) => topInteraction !== undefined,
          order: ({ qValue }) => qValue,
          title: interactionTitle,
          text: interactionText,
        }),
      ),
  );
}

function interactionTitle(count: number, { pairs, record }: Findings): string {
  const found = count === 0 ? 'no interaction is provable' : `${formatCount(count)} interactions are provable`;
  return `${found} among ${formatCount(pairs.length)} exposures, at a false-discovery rate of ${record.screening_level}`;
}

function interactionText(pairs: readonly PairFinding[], { record }: Findings): string {
  const rows = pairs.map((pair) => [
    pair.asset,
    pair.factor,
    pair.topInteraction ?? pc.dim('none provable'),
    ...exposureCells(pair),
  ]);
  const coverage = `${Math.round(100 * record.interval_coverage)} % interval`;
  const head = ['asset', 'factor', 'depends on', 'mean exposure', coverage, ''].map(pc.dim);
  return formatTable([head, ...rows], ['left', 'left', 'left', 'right', 'right', 'left']);
}
