import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '@macrograd/core';
import type { ProcessId, RecoveryRow, WorldOptions } from '@macrograd/evaluation';
import { type Command, InvalidArgumentError, Option } from 'commander';
import pc from 'picocolors';
import { exitCodes } from '../exit.js';
import { formatNumber, formatTable } from '../format.js';
import type { Perform } from '../program.js';
import { type CommonOptions, describeVerb, type Session } from '../session.js';
import { calibrateLike } from './calibrate.js';
import { wholeNumber } from './options.js';
import { recoveryTable } from './recovery-table.js';
import { parseShard, runQuickStudy, runStudy, type Shard } from './study.js';

interface SimulateOptions extends CommonOptions {
  readonly process: string;
  readonly assets: number;
  readonly months: number;
  readonly r2: number;
  readonly seed: number;
  readonly methods?: string;
  readonly histories: number;
  readonly resume?: string;
  readonly data?: string;
  readonly like?: string;
  readonly worlds: number;
  readonly full?: boolean;
  readonly quick?: boolean;
  readonly out: string;
  readonly shard?: Shard;
}

/** Short names of the simulated processes. */
const processNames: Readonly<Record<string, ProcessId>> = {
  i: 'const',
  ii: 'random_walk',
  iii: 'threshold',
  iv: 'lags',
  v: 'interaction',
  vi: 'mixed',
  vii: 'path',
  viii: 'market',
  ix: 'drawdown',
  x: 'uncertainty',
};

/** `macrograd simulate`: how well each method recovers exposures that are known. */
export function addSimulate(program: Command, perform: Perform): void {
  const command = program
    .command('simulate')
    .summary('score every method on simulated data whose exposures are known')
    .description(
      'Simulates returns with known exposures, fits every method on the first 70 % of the months, and scores its ' +
        'exposures on the rest: root mean squared error over the spread of the true ones.',
    )
    .addOption(
      new Option('--process <name>', 'how returns depend on macro')
        .choices([...Object.keys(processNames), ...Object.values(processNames), 'all'])
        .default('iii'),
    )
    .option('--assets <n>', 'number of assets', wholeNumber(2), 200)
    .option('--months <n>', 'number of months', wholeNumber(100), 600)
    .option('--r2 <share>', 'share of variance that macro explains', share, 0.3)
    .option('--seed <n>', 'seed of the world and of the fits', wholeNumber(0), 1)
    .option('--methods <list>', 'methods, separated by commas (default: all)')
    .option('--histories <n>', 'macro histories, seeds from --seed on; more than one prints means', wholeNumber(1), 1)
    .option('--resume <file>', 'keep every score in this file and run only what it lacks')
    .option('--full', 'the study that the claims rest on: ten processes, 28 histories, other sizes (hours of CPU)')
    .option('--quick', 'one small history a process instead; fails where the LSTM leaves its limits')
    .option('--out <dir>', 'where a study keeps what is done, to go on after an interrupt', 'study')
    .addOption(new Option('--shard <i/n>', 'one share of a study, for machines with many cores').argParser(parseShard))
    .option(
      '--like <config>',
      'worlds made by the own fit of a method (--methods, default lstm) of a config instead: what its intervals hold there',
    )
    .option('--worlds <n>', 'worlds of --like, one fit each', wholeNumber(1), 4)
    .option('--data <dir>', 'write the data set with its true exposures and a config there, and score nothing');
  describeVerb(command, 'macrograd simulate --process iii --assets 100 --r2 0.3').action((options: SimulateOptions) =>
    perform(options, (session) => simulate(session, options)),
  );
}

async function simulate(session: Session, options: SimulateOptions): Promise<number> {
  if (options.full) return runStudy(session, { dir: options.out, ...(options.shard && { shard: options.shard }) });
  if (options.quick) return runQuickStudy(session);
  const named = options.methods?.split(',').map((name) => name.trim());
  if (options.like !== undefined) return calibrateLike(session, options.like, options.worlds, named);
  const [{ runRecovery }, { defaultEstimators }] = await Promise.all([
    import('@macrograd/evaluation'),
    import('@macrograd/pipeline'),
  ]);
  const { assets, months, r2, seed, data } = options;
  const process = processNames[options.process] ?? (options.process as ProcessId);
  const estimators = defaultEstimators(named);
  if (options.process === 'all' || options.histories > 1 || options.resume !== undefined) {
    if (data !== undefined) throw new InputError('--data writes one world', { remedy: 'name one process and history' });
    const processes = options.process === 'all' ? Object.values(processNames) : [process];
    const seeds = Array.from({ length: options.histories }, (_, at) => seed + at);
    return recoveryTable(session, { processes, seeds, estimators, assets, months, r2 }, options.resume);
  }
  const world = { process, assets, months, r2, seed };
  if (data !== undefined) return writeWorld(session, world, data);
  const rows = await runRecovery({
    ...world,
    estimators,
    signal: session.signal,
    onProgress: session.progress().update,
  });
  session.result(recoveryText(rows), rows);
  return exitCodes.done;
}

async function writeWorld(session: Session, world: WorldOptions, dir: string): Promise<number> {
  const { simulateWorld, worldFiles } = await import('@macrograd/evaluation');
  mkdirSync(dir, { recursive: true });
  for (const [name, text] of Object.entries(worldFiles(simulateWorld(world)))) writeFileSync(join(dir, name), text);
  const config = join(dir, 'config.yaml');
  session.result(`Wrote the ${world.process} world to ${dir}. Next:\n  macrograd run ${config}`, { dir, config });
  return exitCodes.done;
}

function recoveryText(rows: readonly RecoveryRow[]): string {
  const { process, assets, months, r2, seed, kind } = rows[0];
  const best = Math.min(...rows.map(({ score }) => score));
  const lines = rows.map(({ method, score, withinCorrelation, coverage, factors }) => [
    method,
    score === best ? pc.green(formatNumber(score, 3)) : formatNumber(score, 3),
    formatNumber(withinCorrelation, 2),
    Number.isNaN(coverage) ? '-' : `${formatNumber(100 * coverage, 0)} %`,
    pc.dim(factors.map((factor) => `${factor.factor} ${formatNumber(factor.score, 2)}`).join('  ')),
  ]);
  const head = ['method', 'error', 'within', 'covered', 'error by factor'].map(pc.dim);
  return [
    `${pc.bold(process)}  ${assets} assets, ${months} months, R² ${r2}, seed ${seed}; ${kind} exposures`,
    formatTable([head, ...lines], ['left', 'right', 'right', 'right', 'left']),
    pc.dim('  error: RMSE over the SD of the true exposures, 1 = knowing their mean alone'),
    pc.dim('  within: correlation with the truth over time; covered: true exposures inside the 90 % interval'),
  ].join('\n');
}

function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError('Give a number between 0 and 1.');
  return value;
}
