import { basename } from 'node:path';
import {
  type DayNumber,
  declaredUnit,
  type FactorMeta,
  type Frequency,
  InputError,
  type TransformId,
  transformedUnit,
} from '@macrograd/core';
import { downsample, isFiner } from './align.js';
import { readReleases } from './calendar.js';
import { lessConsensus, readConsensus } from './consensus.js';
import { type Expression, parseExpression } from './expression.js';
import { fillSeries, refuseIdleFill } from './fill.js';
import { carryGaps } from './gaps.js';
import type { TableReader } from './reader.js';
import { refine, refusePeeking, stepsText } from './refine.js';
import type { FactorFileSpec, SeriesSpec, Timing } from './spec.js';
import { type Series, seriesOf, type Table } from './table.js';
import { onEveryPeriod, transformSeries } from './transform.js';
import { type Edition, readSource } from './vintages.js';

/** A macro series before its transform. */
export interface SourceFactor {
  readonly name: string;
  readonly spec: SeriesSpec;
  readonly file: FactorFileSpec;
  readonly table: Table;
  readonly series: Series;
  /** The series in every vintage, oldest first; undefined where the source has none. */
  readonly editions: readonly Edition<{ readonly table: Table; readonly series: Series }>[] | undefined;
  /** Day of release by reference period, where a calendar knows the series. */
  readonly releases: ReadonlyMap<DayNumber, DayNumber> | undefined;
  /** What was expected, where the surprise against it is wanted. */
  readonly consensus: Series | undefined;
}

/** A macro series after its transform, on its own dates. */
export interface PreparedFactor {
  readonly meta: FactorMeta;
  /** Last date of the source, where values are carried beyond it. */
  readonly ends?: DayNumber;
  readonly series: Series;
  /** The same of every vintage, where the timing is what was known and the source has vintages. */
  readonly editions: readonly Edition<Series>[] | undefined;
  /** Day of release by reference period, where the timing is what was known and a calendar knows the series. */
  readonly releases: ReadonlyMap<DayNumber, DayNumber> | undefined;
}

/** Reads the columns and expressions of all factor files, in the order of the panel. */
export async function readFactors(files: readonly FactorFileSpec[], read: TableReader): Promise<SourceFactor[]> {
  const factors: SourceFactor[] = [];
  for (const file of files) {
    const { table, editions } = await readSource(file, read);
    const calendar = file.releases === undefined ? undefined : await readReleases(file.releases);
    for (const [name, spec] of Object.entries(file.series)) {
      if (factors.some((other) => other.name === name)) {
        throw new InputError(`two series are called "${name}"`, {
          code: 'bad_config',
          place: { file: file.file },
          remedy: 'give every series of all factor files a name of its own',
        });
      }
      factors.push({
        name,
        spec,
        file,
        table,
        series: sourceSeries(name, spec, table),
        editions: editionsOf(name, spec, editions),
        releases: calendar?.get(spec.column ?? name),
        consensus: await readConsensus(spec.surprise, table, name, read),
      });
    }
  }
  return factors;
}

/** A series in the vintages that have its columns; a series that FRED-MD took up later starts with that vintage. */
function editionsOf(name: string, spec: SeriesSpec, editions: readonly Edition<Table>[] | undefined) {
  return editions?.flatMap(({ known, content: table }) => {
    const columns = spec.expr === undefined ? [spec.column ?? ''] : parseExpression(spec.expr).columns;
    if (!columns.every((column) => table.series.has(column))) return [];
    return [{ known, content: { table, series: sourceSeries(name, spec, table) } }];
  });
}

/** Brings all series to the panel's frequency as far as they can be computed there, transforms and cleans them. */
export function prepareFactors(all: readonly SourceFactor[], frequency: Frequency, timing: Timing): PreparedFactor[] {
  return all.map((factor) => prepareFactor(factor, frequency, timing, all));
}

/** Brings a series down to the panel's frequency where it is higher, fills it where it asks for that, then transforms and cleans it. */
function prepareFactor(
  factor: SourceFactor,
  frequency: Frequency,
  timing: Timing,
  all: readonly SourceFactor[],
): PreparedFactor {
  const { name, file, table } = factor;
  const spec = { ...(file.outliers === undefined ? {} : { outliers: file.outliers }), ...factor.spec };
  if (timing === 'available') refusePeeking(name, spec, table.file);
  const transform = spec.transform ?? codedTransform(factor);
  const meta: FactorMeta = {
    name,
    role: spec.role ?? 'factor',
    unit: unitOf(factor, transform),
    transform: stepsText(transform, spec),
    releaseLag: spec.releaseLag ?? 0,
    source: `${basename(table.file)}: ${spec.column ?? spec.expr}`,
  };
  if (spec.gaps === 'carry') refuseIdleCarry(factor, timing);
  const consensus = factor.consensus && broughtDown(factor.consensus, frequency, file);
  const finish = (series: Series, source: Table) =>
    refine(lessConsensus(transformSeries(series, transform, name, source.file), consensus), spec);
  const prepare = (series: Series, source: Table) => {
    const native = broughtDown(series, frequency, file);
    return finish(spec.gaps === 'carry' ? carryGaps(native) : native, source);
  };
  if (spec.fill !== undefined) {
    const indicator = spec.fill.indicator === undefined ? undefined : indicatorOf(factor, frequency, timing, all);
    refuseIdleFill(factor.series, frequency, table.file);
    refuseFillOfVintages(factor, timing);
    const series = fillSeries(factor.series, frequency, spec.fill, indicator, (path) => finish(path, table));
    return { meta, series, editions: undefined, releases: undefined };
  }
  const editions = timing === 'available' ? factor.editions : undefined;
  const ends = spec.gaps === 'carry' ? broughtDown(factor.series, frequency, file).dates.at(-1) : undefined;
  return {
    meta,
    ...(ends === undefined ? {} : { ends }),
    releases: timing === 'available' ? factor.releases : undefined,
    series: prepare(factor.series, table),
    editions: editions?.map(({ known, content }) => ({ known, content: prepare(content.series, content.table) })),
  };
}

/** Calendars and vintages show the newest value known, whatever is missing; a fill makes its own. */
function refuseIdleCarry({ name, spec, table, editions, releases }: SourceFactor, timing: Timing): void {
  const other = spec.fill ? '`fill`' : timing === 'available' && (editions ?? releases) ? 'what was known by then' : '';
  if (other === '') return;
  throw new InputError(`${name} has \`gaps: carry\`, but ${other} decides what stands in them`, {
    code: 'bad_config',
    place: { file: table.file },
    remedy: 'leave `gaps` out',
  });
}

function broughtDown(series: Series, frequency: Frequency, { aggregate = 'last' }: FactorFileSpec): Series {
  return isFiner(series.frequency, frequency) ? downsample(series, frequency, aggregate) : series;
}

/** The series that guides a fill, by the panel's periods and before its transform. */
function indicatorOf(factor: SourceFactor, frequency: Frequency, timing: Timing, all: readonly SourceFactor[]): Series {
  const wanted = factor.spec.fill?.indicator;
  const refuse = (problem: string, remedy: string): never => {
    throw new InputError(`the indicator ${wanted} of ${factor.name} ${problem}`, {
      code: 'bad_config',
      place: { file: factor.table.file },
      remedy,
    });
  };
  const found = all.find(({ name }) => name === wanted) ?? refuse('is no series of the config', 'name one that is');
  refuseFillOfVintages(found, timing);
  if (isFiner(frequency, found.series.frequency)) refuse('has no value every period of the panel', 'take another one');
  if (timing === 'available' && (found.spec.releaseLag ?? 0) > (factor.spec.releaseLag ?? 0)) {
    refuse('is published later than the series that it fills', 'give both the release lag of the later one');
  }
  return broughtDown(found.series, frequency, found.file);
}

/** Paths are drawn through one edition of a series, dated by a release lag. */
function refuseFillOfVintages({ name, editions, releases, table }: SourceFactor, timing: Timing): void {
  if (timing !== 'available' || (editions === undefined && releases === undefined)) return;
  throw new InputError(
    `${name} has ${editions ? 'vintages' : 'a calendar of releases'}, through which no fill is drawn`,
    {
      code: 'bad_config',
      place: { file: table.file },
      remedy: 'leave `fill` out, or take one file with a release_lag',
    },
  );
}

/** Declared, or of a series fetched from FRED what is said there. */
function unitOf({ spec, table }: SourceFactor, transform: TransformId): string {
  const published = spec.column !== undefined && table.series.size === 1 ? table.origin?.series?.units : undefined;
  if (spec.unit !== undefined || !published) return declaredUnit(transform, spec.unit);
  return transformedUnit(published, transform);
}

function sourceSeries(name: string, spec: SeriesSpec, table: Table): Series {
  if ((spec.column === undefined) === (spec.expr === undefined)) {
    throw new InputError(`the series ${name} needs either a column or an expr`, {
      code: 'bad_config',
      place: { file: table.file },
      remedy: 'give one of the two',
    });
  }
  if (spec.column !== undefined) return seriesOf(table, spec.column, name);
  const expression = parseExpression(spec.expr ?? '');
  const columns = expression.columns.map((column) => onEveryPeriod(seriesOf(table, column, name)));
  return combine(name, expression, columns, table);
}

/** Value of an expression at the dates that all its columns have. */
function combine(name: string, expression: Expression, columns: readonly Series[], table: Table): Series {
  const [first] = columns;
  const other = columns.find((column) => column.frequency !== first.frequency);
  if (first === undefined || other !== undefined) {
    const problem = other
      ? `"${first.name}" and "${other.name}" have different frequencies (${first.frequency}, ${other.frequency})`
      : 'there is no column in it';
    throw new InputError(`the expr of ${name} can't be computed: ${problem}`, {
      place: { file: table.file },
      remedy: 'combine columns of one frequency',
    });
  }
  const positions = columns.map((column) => new Map([...column.dates].map((date, index) => [date, index])));
  const dates = first.dates.filter((date) => positions.every((of) => of.has(date)));
  const lines = dates.map((date) => first.lines[positions[0].get(date) ?? 0]);
  const values = Float64Array.from(dates, (date) =>
    expression.evaluate(columns.map((column, i) => column.values[positions[i].get(date) ?? 0])),
  );
  return { ...first, name, dates, values, lines };
}

/**
 * Transforms of the codes 1 to 7 of FRED-MD and FRED-QD: level, change, second change, logarithm, its change, its second
 * change, change of the rate of growth (McCracken and Ng 2016, appendix). Logarithms come in log-%, 100 times theirs.
 */
const CODED: readonly TransformId[] = ['none', 'diff', 'diff2', 'log', 'dlog', 'dlog2', 'pct_diff'];

/** Transform of a series that names none: the file's own code, else `none`. */
function codedTransform({ spec, table }: SourceFactor): TransformId {
  const code = spec.column === undefined ? undefined : table.transformCodes.get(spec.column);
  return code === undefined ? 'none' : CODED[code - 1];
}
