import type { Command } from 'commander';
import pc from 'picocolors';
import { exitCodes } from '../exit.js';
import type { Perform } from '../program.js';
import { type CommonOptions, describeVerb, type Session } from '../session.js';
import { wholeNumber } from './options.js';

interface FetchVerbOptions extends CommonOptions {
  readonly vintage?: string;
  readonly dir: string;
  readonly baseUrl?: string;
  readonly retries: number;
}

/** `macrograd fetch`: publishers' data into a local folder, with their origin beside them. */
export function addFetch(program: Command, perform: Perform): void {
  const command = program
    .command('fetch')
    .summary('fetch data from FRED, ALFRED, FRED-MD, FRED-QD or Kenneth French')
    .description(
      'Fetches sources into a folder: fred:SERIES, alfred:SERIES (every vintage, or one), releases:SERIES (the day ' +
        'on which each value first came out), fred-md, fred-qd, french:DATA_SET. Beside each file stands where it comes from, its vintage and hash, which runs record. ' +
        'fred, alfred and releases read the key from FRED_API_KEY.',
    )
    .argument('<source...>', 'fred:CPIAUCSL, alfred:CPIAUCSL, fred-md, fred-qd, french:49_Industry_Portfolios')
    .option('--vintage <date>', 'as published then: YYYY-MM-DD for alfred, YYYY-MM for fred-md and fred-qd')
    .option('-d, --dir <dir>', 'folder to write into', 'data')
    .option('--base-url <url>', "in place of the publisher's address")
    .option('--retries <n>', 'repetitions where nothing answers', wholeNumber(0), 4);
  describeVerb(command, 'macrograd fetch fred-md --vintage 2025-06').action(
    (sources: string[], options: FetchVerbOptions) =>
      perform(options, (session) => fetchAll(session, sources, options)),
  );
}

async function fetchAll(session: Session, sources: readonly string[], options: FetchVerbOptions): Promise<number> {
  const { fetchSource } = await import('@macrograd/data');
  const { FRED_API_KEY: key } = process.env;
  const { vintage, baseUrl, retries, dir: folder } = options;
  const optional = { ...(vintage && { vintage }), ...(baseUrl && { baseUrl }), ...(key && { key }) };
  for (const source of sources) {
    const fetched = await fetchSource(source, { folder, retries, signal: session.signal, ...optional });
    const { file, isNew, origin } = fetched;
    session.result(`${pc.bold(file)}: ${isNew ? 'fetched' : 'unchanged'}, vintage ${origin.vintage}`, fetched);
  }
  return exitCodes.done;
}
