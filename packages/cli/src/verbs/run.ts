import { relative } from 'node:path';
import type { Command } from 'commander';
import pc from 'picocolors';
import { exitCodes } from '../exit.js';
import { formatDuration } from '../format.js';
import type { Perform } from '../program.js';
import { type CommonOptions, describeVerb, type Session } from '../session.js';
import { planText, summaryText } from '../summary.js';
import { wholeNumber } from './options.js';

interface RunVerbOptions extends CommonOptions {
  readonly output?: string;
  readonly threads?: number;
  readonly seed?: number;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

/** `macrograd run`: the whole job of a config. */
export function addRun(program: Command, perform: Perform): void {
  const command = program
    .command('run')
    .summary('fit every method, write tables, models and the report')
    .description(
      'Reads the data of a config, fits every method on every fold and on the whole span, and writes tables, models ' +
        'and the report into the output directory. A finished result of the same job is reused.',
    )
    .argument('[config]', 'config file, YAML or JSON', 'config.yaml')
    .option('-o, --output <dir>', "write here instead of the config's output")
    .option('--threads <n>', 'fits at a time (default: one a core)', wholeNumber(1))
    .option('--seed <n>', "instead of the config's seed", wholeNumber(0))
    .option('--force', 'compute anew even where the output holds this result')
    .option('--dry-run', 'say what the job would cost, and do nothing');
  describeVerb(command, 'macrograd run config.yaml --output out').action((config: string, options: RunVerbOptions) =>
    perform(options, (session) => (options.dryRun ? plan(session, config, options) : runJob(session, config, options))),
  );
}

async function runJob(session: Session, file: string, options: RunVerbOptions): Promise<number> {
  const { readConfig, readHeadline, run } = await import('@macrograd/pipeline');
  const { update } = session.progress();
  const outcome = await run(await readConfig(file), { ...options, signal: session.signal, onProgress: update });
  const headline = await readHeadline(outcome.dir);
  const path = relative(process.cwd(), outcome.report);
  const ending = outcome.reused
    ? `Nothing to do: the result of this job is there. ${pc.dim('--force computes it anew.')}`
    : `Done in ${formatDuration(outcome.seconds)}.`;
  session.result(
    `${summaryText(headline)}\n\n${ending}\nReport: ${pc.bold(path.startsWith('..') ? outcome.report : path)}`,
    {
      ...outcome,
      methods: headline.methods,
      selected: headline.selected,
      screened: headline.screened,
      strongest: headline.strongest,
      checks: headline.record.checks,
      look_ahead_bill: headline.record.look_ahead_bill,
      warnings: headline.record.warnings,
    },
  );
  return exitCodes.done;
}

async function plan(session: Session, file: string, options: RunVerbOptions): Promise<number> {
  const { dryRun, readConfig } = await import('@macrograd/pipeline');
  const estimate = await dryRun(await readConfig(file), options);
  session.result(planText(estimate), estimate);
  return exitCodes.done;
}
