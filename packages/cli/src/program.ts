import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { describeError, exitCodeOf, exitCodes } from './exit.js';
import { type CommonOptions, Session } from './session.js';
import { addCheck } from './verbs/check.js';
import { addExport } from './verbs/export.js';
import { addExposures } from './verbs/exposures.js';
import { addFetch } from './verbs/fetch.js';
import { addInit } from './verbs/init.js';
import { addInteractions } from './verbs/interactions.js';
import { addReport } from './verbs/report.js';
import { addRun } from './verbs/run.js';
import { addScreen } from './verbs/screen.js';
import { addSimulate } from './verbs/simulate.js';
import { addThresholds } from './verbs/thresholds.js';

/** Runs a verb's work with a session of its own, and keeps its exit code. */
export type Perform = (options: CommonOptions, work: (session: Session) => Promise<number>) => Promise<void>;

/**
 * The `macrograd` command: reads the arguments, does the verb's work and returns the exit code (0 done, 1 failed,
 * 2 refused input, 130 interrupted).
 *
 * @example
 * process.exitCode = await main(['check', 'config.yaml']);
 */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.done;
  const program = buildProgram(async (options, work) => {
    exitCode = await performVerb(options, work);
  });
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // commander has printed its message already; help and version end with 0.
    return error.exitCode === 0 ? exitCodes.done : exitCodes.refused;
  }
  return exitCode;
}

function buildProgram(perform: Perform): Command {
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
  const program = new Command('macrograd')
    .description('Macro exposures of many assets, from an LSTM and from the traditional methods.')
    .version(version, '-V, --version')
    .exitOverride()
    .showSuggestionAfterError(true)
    .showHelpAfterError('(add --help for the options)')
    .addHelpText('after', '\nExample:\n  $ macrograd init demo && macrograd run demo/config.yaml');
  for (const add of [
    addInit,
    addCheck,
    addFetch,
    addRun,
    addScreen,
    addExposures,
    addThresholds,
    addInteractions,
    addReport,
    addExport,
    addSimulate,
  ])
    add(program, perform);
  return program;
}

async function performVerb(options: CommonOptions, work: (session: Session) => Promise<number>): Promise<number> {
  const controller = new AbortController();
  const session = new Session(options, controller.signal);
  const interrupt = () => {
    // A second interrupt doesn't wait for the work to come to rest.
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort();
    session.note('stopping ...');
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    return await work(session);
  } catch (error) {
    session.clear();
    if (controller.signal.aborted) {
      process.stderr.write('interrupted: no result was written; the same command starts again\n');
      return exitCodes.interrupted;
    }
    process.stderr.write(`${describeError(error)}\n`);
    return exitCodeOf(error);
  } finally {
    session.clear();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}
