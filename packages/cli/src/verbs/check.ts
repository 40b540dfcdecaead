import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InputError } from '@macrograd/core';
import type { Command } from 'commander';
import { exitCodes } from '../exit.js';
import type { Facts } from '../facts.js';
import type { Perform } from '../program.js';
import { type CommonOptions, describeVerb, type Session } from '../session.js';

/** `macrograd check`: says what it understood of configs, data files and models, or refuses them. */
export function addCheck(program: Command, perform: Perform): void {
  const command = program
    .command('check')
    .summary('say what is understood of a config, a data file or a model, or refuse it')
    .description(
      'Reads configs (.yaml, .yml, .json), data files (csv, tsv, Parquet, Arrow, also in gzip or zip; DuckDB; a folder of vintages) and ' +
        'models (a folder with model.json), ' +
        'and says what it understood: rows, dates, frequency, units, gaps. Refuses with the place and the remedy.',
    )
    .argument('<file...>', 'config, data file or model');
  describeVerb(command, 'macrograd check config.yaml macro.csv').action((files: string[], options: CommonOptions) =>
    perform(options, (session) => checkAll(session, files)),
  );
}

async function checkAll(session: Session, files: readonly string[]): Promise<number> {
  for (const file of files) {
    const facts = await factsOf(file);
    session.result(facts.text, facts.data);
    for (const note of facts.notes) session.warn(note);
  }
  return exitCodes.done;
}

async function factsOf(file: string): Promise<Facts> {
  if (!existsSync(file)) {
    throw new InputError(`there is no file ${file}`, { remedy: 'check the path' });
  }
  // Loaded here, so that help and refusals do not wait for the readers.
  const { configFacts, dataFacts, modelFacts } = await import('../facts.js');
  if (statSync(file).isDirectory()) return existsSync(join(file, 'model.json')) ? modelFacts(file) : dataFacts(file);
  if (basename(file) === 'model.json' || file.endsWith('.safetensors')) return modelFacts(join(file, '..'));
  if (/\.(ya?ml|json)$/i.test(file)) return configFacts(file);
  return dataFacts(file);
}
