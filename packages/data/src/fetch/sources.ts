import { InputError } from '@macrograd/core';

/** Kinds of source by the word before the colon. */
const KINDS = ['fred', 'alfred', 'releases', 'fred-md', 'fred-qd', 'french'] as const;

/** One thing that can be fetched. */
export interface Source {
  readonly kind: (typeof KINDS)[number];
  /** Series of FRED, data set of Kenneth French's; empty for FRED-MD and FRED-QD. */
  readonly id: string;
}

/** Addresses before their paths; `--base-url` puts another in the place of all. */
export const BASE_URLS: Readonly<Record<Source['kind'], string>> = {
  fred: 'https://api.stlouisfed.org',
  alfred: 'https://api.stlouisfed.org',
  releases: 'https://api.stlouisfed.org',
  'fred-md': 'https://www.stlouisfed.org',
  'fred-qd': 'https://www.stlouisfed.org',
  french: 'https://mba.tuck.dartmouth.edu',
};

/**
 * Reads a source as it is written on the command line.
 *
 * @throws InputError for another kind, and for a name that could leave its place in a path
 * @example
 * parseSource('fred:CPIAUCSL'); // { kind: 'fred', id: 'CPIAUCSL' }
 */
export function parseSource(text: string): Source {
  const [, word = '', id = ''] = /^([a-z-]+)(?::(.*))?$/.exec(text) ?? [];
  const kind = KINDS.find((one) => one === word);
  const examples =
    'fred:CPIAUCSL, alfred:CPIAUCSL, releases:CPIAUCSL, fred-md, fred-qd or french:49_Industry_Portfolios';
  if (kind === undefined) {
    throw new InputError(`"${text}" is no source`, { remedy: `write ${examples}`, code: 'bad_config' });
  }
  const needsId = kind !== 'fred-md' && kind !== 'fred-qd';
  if (needsId ? /^[A-Za-z0-9][\w.-]*$/.test(id) && !id.includes('..') : id === '') return { kind, id };
  const problem = needsId
    ? `"${text}" names no ${kind === 'french' ? 'data set' : 'series'}`
    : `"${text}" takes no name`;
  throw new InputError(problem, { remedy: `write ${examples}`, code: 'bad_config' });
}

/** Path of a file that is fetched as it is, and the name under which it is kept. */
export function filePath({ kind, id }: Source, vintage: string | undefined): { path: string; name: string } {
  if (kind === 'french') {
    if (vintage !== undefined) throw noVintages();
    return { path: `/pages/faculty/ken.french/ftp/${id}_CSV.zip`, name: `${id}_CSV.zip` };
  }
  const [folder, suffix] = kind === 'fred-md' ? ['monthly', 'md'] : ['quarterly', 'qd'];
  const file = vintage === undefined ? 'current.csv' : `${monthOf(vintage)}-${suffix}.csv`;
  const path = `/-/media/project/frbstl/stlouisfed/research/fred-md/${folder}/${file}`;
  return { path, name: `${kind}-${vintage === undefined ? 'current' : monthOf(vintage)}.csv` };
}

/** FRED-MD and FRED-QD have a vintage a month. */
function monthOf(vintage: string): string {
  if (/^\d{4}-(?:0[1-9]|1[0-2])(?:-\d{2})?$/.test(vintage)) return vintage.slice(0, 'YYYY-MM'.length);
  throw new InputError(`"${vintage}" is no vintage`, { remedy: 'write YYYY-MM', code: 'bad_config' });
}

function noVintages(): InputError {
  return new InputError("Kenneth French's library keeps no vintages", {
    remedy: 'leave --vintage out; the date of fetching is recorded',
    code: 'bad_config',
  });
}
