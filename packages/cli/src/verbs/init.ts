import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { InputError } from '@macrograd/core';
import type { Proposal } from '@macrograd/data';
import type { Command } from 'commander';
import { exitCodes } from '../exit.js';
import type { Perform } from '../program.js';
import { type CommonOptions, describeVerb, type Session } from '../session.js';

interface InitOptions extends CommonOptions {
  readonly factors?: readonly string[];
  readonly assets?: readonly string[];
}

/** `macrograd init`: a project that runs as it is. */
export function addInit(program: Command, perform: Perform): void {
  const command = program
    .command('init')
    .summary('write a project that runs as it is: of your own files, or with sample data')
    .description(
      'In a directory with data files of your own, writes a config.yaml for them. Into a new or empty directory it ' +
        'writes config.yaml, the sample data and a README.',
    )
    .argument('[dir]', 'directory to write into', '.')
    .option('--factors <file...>', 'these files of the directory hold macro series')
    .option('--assets <file...>', 'these files of the directory hold returns or prices');
  describeVerb(command, 'macrograd init demo').action((dir: string, options: InitOptions) =>
    perform(options, (session) => writeProject(session, dir, options)),
  );
}

async function writeProject(session: Session, dir: string, options: InitOptions): Promise<number> {
  const there = existsSync(dir) ? readdirSync(dir) : [];
  if (there.includes('config.yaml')) {
    throw new InputError('there is a config.yaml already', {
      place: { file: join(dir, 'config.yaml') },
      remedy: 'run it with "macrograd run", or name a new directory',
    });
  }
  const own = there.filter((name) => /\.(?:csv|tsv|txt|parquet|arrow|feather|zip|csv\.gz|tsv\.gz)$/i.test(name)).sort();
  if (own.length > 0) await writeOwn(session, dir, own, options);
  else if (there.length > 0) {
    throw new InputError(`${named(dir)} is not empty and holds no data file`, {
      remedy: 'name a new directory, as in "macrograd init demo"',
    });
  } else await writeSample(dir);
  const config = join(dir, 'config.yaml');
  const text = `Wrote ${named(dir)}. Next:\n  macrograd check ${config}\n  macrograd run ${config}`;
  session.result(dir === '.' ? text.replace('Wrote the current directory', 'Wrote the project') : text, {
    dir,
    config,
  });
  return exitCodes.done;
}

function named(dir: string): string {
  return dir === '.' ? 'the current directory' : dir;
}

async function writeSample(dir: string): Promise<void> {
  const { sampleDirectory } = await import('@macrograd/data');
  mkdirSync(dir, { recursive: true });
  cpSync(sampleDirectory(), dir, { recursive: true });
  writeFileSync(join(dir, 'README.md'), readme);
}

async function writeOwn(session: Session, dir: string, files: readonly string[], options: InitOptions): Promise<void> {
  const { projectConfig } = await import('../project.js');
  const proposals = await proposalsOf(dir, files, options);
  writeFileSync(join(dir, 'config.yaml'), projectConfig(basename(resolve(dir)), proposals));
  for (const { table, role, reason } of proposals) {
    session.note(`${basename(table.file)}: ${role === 'factors' ? 'macro series' : 'assets'}, since ${reason}`);
  }
}

async function proposalsOf(dir: string, files: readonly string[], options: InitOptions): Promise<Proposal[]> {
  const { propose, proposeTable, readTable } = await import('@macrograd/data');
  const { factors, assets } = options;
  if (factors !== undefined && assets !== undefined) {
    const read = (names: readonly string[], role: Proposal['role']) =>
      names.map(async (name) => proposeTable(await readTable(join(dir, name)), role));
    return Promise.all([...read(factors, 'factors'), ...read(assets, 'assets')]);
  }
  return propose(await Promise.all(files.map((file) => readTable(join(dir, file)))));
}

const readme = `# A macrograd project

\`config.yaml\` names the data, the factors and the methods; the csv files are the bundled sample (see DATA_CARD.md).

    macrograd check config.yaml     # what is understood of config and data
    macrograd run config.yaml       # fits everything and writes out/, with out/report/index.html

For data of your own, put the files into a folder and say \`macrograd init\` there, or replace the files and the series in
\`config.yaml\`. A factor file has a date column and a column a series; a return file a date column and a column an asset.
Everything but factors, assets and output has a default.
`;
