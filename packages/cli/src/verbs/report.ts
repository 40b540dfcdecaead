import type { Command } from 'commander';
import { exitCodes } from '../exit.js';
import type { Perform } from '../program.js';
import { type CommonOptions, describeVerb, type Session } from '../session.js';

interface ReportVerbOptions extends CommonOptions {
  readonly png?: boolean;
}

/** `macrograd report`: the page of a finished run, made anew. */
export function addReport(program: Command, perform: Perform): void {
  const command = program
    .command('report')
    .summary('make the HTML report of a finished run anew')
    .description('Makes report/index.html of a finished run from its tables; estimates nothing.')
    .argument('<dir>', 'directory that a run wrote')
    .option('--png', 'also write the main charts as PNG');
  describeVerb(command, 'macrograd report out --png').action((dir: string, options: ReportVerbOptions) =>
    perform(options, (session) => makeReport(session, dir, options)),
  );
}

async function makeReport(session: Session, dir: string, { png = false }: ReportVerbOptions): Promise<number> {
  const { writeReport } = await import('@macrograd/report');
  const report = await writeReport(dir, { png });
  session.result(`Report: ${report}`, { report });
  return exitCodes.done;
}
