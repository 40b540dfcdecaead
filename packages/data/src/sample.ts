import { fileURLToPath } from 'node:url';

/**
 * Folder of the bundled sample: csv files, `config.yaml` of the sample job and `DATA_CARD.md`.
 *
 * @example
 * const table = await readTable(join(sampleDirectory(), 'macro.csv'));
 */
export function sampleDirectory(): string {
  return fileURLToPath(new URL('../sample', import.meta.url));
}
