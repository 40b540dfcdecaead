import type { InteractionFinding, Interactions } from '@macrograd/pipeline';
import type { Command } from 'commander';
import pc from 'picocolors';
import { answer, type FindingsOptions, interval, pairOptions, percent, probability } from '../findings.js';
import { formatCount, formatTable } from '../format.js';
import type { Perform } from '../program.js';
import { describeVerb } from '../session.js';

/** `macrograd interactions`: which series changes what another factor does. */
export function addInteractions(program: Command, perform: Perform): void {
  const command = program
    .command('interactions')
    .summary('series whose level moves an exposure, by a finished run')
    .description(
      'Lists the exposures that provably depend on another series, after false-discovery control over all pairs: the ' +
        "product's coefficient with its interval, how much the exposure rises when the partner lies one SD higher, and " +
        'what both do together beyond what each does alone. All in % per SD.',
    );
  describeVerb(pairOptions(command), 'macrograd interactions out --factor CREDIT').action(
    (dir: string, options: FindingsOptions) =>
      perform(options, (session) =>
        answer(session, dir, options, {
          read: readRows,
          proven: ({ selected }) => selected,
          order: ({ pValue }) => pValue,
          title: interactionTitle,
          text: interactionText,
        }),
      ),
  );
}

async function readRows(dir: string, options: FindingsOptions): Promise<Interactions> {
  const { readInteractions } = await import('@macrograd/pipeline');
  return readInteractions(dir, options);
}

function interactionTitle(count: number, { pairs, record }: Interactions): string {
  const found = count === 0 ? 'no interaction is provable' : `${formatCount(count)} interactions are provable`;
  return `${found} among ${formatCount(pairs.length)} exposures, at a false-discovery rate of ${record.screening_level}`;
}

function interactionText(pairs: readonly InteractionFinding[], { record }: Interactions): string {
  const rows = pairs.map((pair) => [
    pair.asset,
    pair.factor,
    pair.partner,
    percent(pair.product),
    pc.dim(interval(100 * pair.lo, 100 * pair.hi)),
    percent(pair.crossPartial),
    percent(pair.jointShock),
    probability(pair.pValue),
    probability(pair.qValue),
    pair.selected ? '' : pc.dim('not provable'),
  ]);
  const coverage = `${Math.round(100 * record.interval_coverage)} % interval`;
  const method = pairs.find((pair) => pair.selected)?.method ?? 'method';
  const head = ['asset', 'factor', 'with', 'product', coverage, `rise by ${method}`, 'joint shock', 'p', 'q', ''];
  return formatTable(
    [head.map(pc.dim), ...rows],
    ['left', 'left', 'left', 'right', 'right', 'right', 'right', 'right', 'right', 'left'],
  );
}
