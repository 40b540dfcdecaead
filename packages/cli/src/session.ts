import type { Command } from 'commander';
import pc from 'picocolors';
import { type ProgressDisplay, progressDisplay, silentProgress } from './progress.js';

/** Options that every verb has. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/**
 * What a verb may do to the outside: results go to standard output, everything about the work to standard error, so
 * that a pipe sees results alone.
 */
export class Session {
  private display: ProgressDisplay | undefined;

  constructor(
    private readonly options: CommonOptions,
    readonly signal: AbortSignal,
  ) {}

  /** Prints a result: `text` for people, or `data` as one line of JSON with `--json`. Nothing with `--quiet`. */
  result(text: string, data: unknown): void {
    this.clear();
    if (this.options.json) process.stdout.write(`${JSON.stringify(data)}\n`);
    else if (!this.options.quiet) process.stdout.write(`${text}\n`);
  }

  /** Tells something about the work itself. */
  note(text: string): void {
    this.clear();
    if (!this.options.quiet) process.stderr.write(`${text}\n`);
  }

  /** Tells a caveat; also with `--json`. */
  warn(text: string): void {
    this.note(`${pc.yellow('warning')} ${text}`);
  }

  /** Starts a progress line; the next result, note or error ends it. */
  progress(): ProgressDisplay {
    this.display = this.options.quiet ? silentProgress : progressDisplay(process.stderr);
    return this.display;
  }

  /** Takes the progress line off the screen. */
  clear(): void {
    this.display?.stop();
    this.display = undefined;
  }
}

/** Adds the options and the example that every verb has. */
export function describeVerb(command: Command, example: string): Command {
  return command
    .option('--json', 'print the result as one line of JSON')
    .option('-q, --quiet', 'print nothing but errors')
    .addHelpText('after', `\nExample:\n  $ ${example}`);
}
