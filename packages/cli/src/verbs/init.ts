import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '@macrograd/core';
import type { Command } from 'commander';
import { exitCodes } from '../exit.js';
import type { Perform } from '../program.js';
import { type CommonOptions, describeVerb, type Session } from '../session.js';

/** `macrograd init`: a project that runs as it is. */
export function addInit(program: Command, perform: Perform): void {
  const command = program
    .command('init')
    .summary('write a project that runs as it is: config, sample data, README')
    .description('Writes config.yaml, the sample data and a README into a new or empty directory.')
    .argument('[dir]', 'directory to write into', '.');
  describeVerb(command, 'macrograd init demo').action((dir: string, options: CommonOptions) =>
    perform(options, (session) => writeProject(session, dir)),
  );
}

async function writeProject(session: Session, dir: string): Promise<number> {
  if (existsSync(dir) && readdirSync(dir).length > 0) {
    throw new InputError(`${dir === '.' ? 'the current directory' : dir} is not empty`, {
      remedy: 'name a new directory, as in "macrograd init demo"',
    });
  }
  const { sampleDirectory } = await import('@macrograd/data');
  mkdirSync(dir, { recursive: true });
  cpSync(sampleDirectory(), dir, { recursive: true });
  writeFileSync(join(dir, 'README.md'), readme);
  const config = join(dir, 'config.yaml');
  session.result(
    `Wrote ${dir === '.' ? 'the project' : dir}. Next:\n  macrograd check ${config}\n  macrograd run ${config}`,
    {
      dir,
      config,
    },
  );
  return exitCodes.done;
}

const readme = `# A macrograd project

\`config.yaml\` names the data, the factors and the methods; the csv files are the bundled sample (see DATA_CARD.md).

    macrograd check config.yaml     # what is understood of config and data
    macrograd run config.yaml       # fits everything and writes out/, with out/report/index.html

For data of your own, replace the files and the series in \`config.yaml\`. A factor file has a date column and a column
a series; a return file a date column and a column an asset. Everything but factors, assets and output has a default.
`;
