import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '@macrograd/core';
import { benjaminiHochberg } from '@macrograd/exposure';
import {
  NULL_BOOLEAN,
  NULL_INT,
  type RunRecord,
  readRunRecord,
  readTable,
  stringAt,
  type TableData,
} from '@macrograd/store';

/** Everything that a finished run says of one asset, factor and method, in units a person reads. Missing = NaN. */
export interface PairFinding {
  readonly asset: string;
  readonly factor: string;
  readonly method: string;
  /** Unit of the factor: exposures are per one of it. */
  readonly unit: string;
  /** Mean over dates, decimal return per one unit of the factor, with its interval. */
  readonly exposure: number;
  readonly lo: number;
  readonly hi: number;
  /** At the last date, decimal return per one unit. */
  readonly latest: number;
  /** 1 or -1 where the interval excludes zero, else 0: not provable. */
  readonly sign: number;
  readonly pValue: number;
  readonly qValue: number;
  readonly selected: boolean;
  readonly status: string;
  /** Periods; NaN without lags. */
  readonly peakLag: number;
  readonly halfLife: number;
  /** 90 % intervals of both; NaN where unknown. */
  readonly peakLagInterval: readonly [number, number];
  readonly halfLifeInterval: readonly [number, number];
  /** False where the last date's state was hardly seen: believe the exposure less. */
  readonly inRegime: boolean;
  readonly threshold: PairThreshold | undefined;
  /** Series whose level moves the exposure most surely; undefined where none does provably. */
  readonly topInteraction: string | undefined;
  /** Only of a run whose config asks for further procedures (`screen: { also }`). */
  readonly twins?: PairTwins;
}

/** The test of an exposure that does not change, and where it changes its sign. */
export interface PairThreshold {
  readonly variable: string;
  readonly unit: string;
  readonly pValue: number;
  /** After discovery control over the pairs of the method. */
  readonly qValue: number;
  /** NaN where the change of sign is not provable. */
  readonly level: number;
  readonly lo: number;
  readonly hi: number;
}

/** What procedures beside the screen say of a pair; NaN and null for those that the run was not asked for. */
export interface PairTwins {
  readonly doubleSelectionPValue: number;
  readonly doubleSelectionQValue: number;
  /** Share of the halves of dates in which a LASSO chooses the factor. */
  readonly stability: number;
  readonly stabilitySelected: boolean | null;
  readonly knockoff: number;
  readonly knockoffSelected: boolean | null;
}

/** A run's findings, with what they were selected by. */
export interface Findings {
  readonly record: RunRecord;
  readonly pairs: readonly PairFinding[];
}

/** What to read of a run. */
export interface FindingsFilter {
  /** Default `chosen`. */
  readonly method?: string;
  readonly asset?: string;
  readonly factor?: string;
}

/**
 * Reads what a finished run says of every pair of one method.
 *
 * @throws InputError for a directory that no run wrote, and for a method, asset or factor that it does not have
 * @example
 * const { pairs } = await readFindings('out', { asset: 'AAPL' });
 * pairs.filter(({ selected }) => selected);
 */
export async function readFindings(dir: string, filter: FindingsFilter = {}): Promise<Findings> {
  const record = readRunRecord(dir);
  const [summary, factors] = await Promise.all([readTable(dir, 'summary'), readTable(dir, 'factors')]);
  const { method = 'chosen', asset, factor } = filter;
  const { columns } = summary;
  refuseUnknown('method', method, columns.method.values);
  if (asset !== undefined) refuseUnknown('asset', asset, columns.asset.values);
  if (factor !== undefined) refuseUnknown('factor', factor, columns.factor.values);
  const scales = scalesOf(factors);
  const rows = Array.from({ length: summary.rows }, (_, row) => row).filter(
    (row) => stringAt(columns.method, row) === method && stringAt(columns.fit, row) === 'final',
  );
  const { qValues } = benjaminiHochberg(
    Float64Array.from(rows, (row) => columns.threshold_p_value[row]),
    record.screening_level,
  );
  const twins = await readTwins(dir);
  const pairs = rows.map((row, at) => {
    const pair = pairOf(summary, row, scales, qValues[at]);
    const own = twins.get(`${pair.asset}/${pair.factor}`);
    return own ? { ...pair, twins: own } : pair;
  });
  const wanted = pairs.filter(
    (pair) => (asset === undefined || pair.asset === asset) && (factor === undefined || pair.factor === factor),
  );
  return { record, pairs: wanted };
}

/** What further procedures say, by `asset/factor`; empty where the run was asked for none. */
async function readTwins(dir: string): Promise<Map<string, PairTwins>> {
  if (!existsSync(join(dir, 'screening.parquet'))) return new Map();
  const { rows, columns } = await readTable(dir, 'screening');
  const yes = (value: number) => (value === NULL_BOOLEAN ? null : value === 1);
  return new Map(
    Array.from({ length: rows }, (_, row) => [
      `${stringAt(columns.asset, row)}/${stringAt(columns.factor, row)}`,
      {
        doubleSelectionPValue: columns.double_selection_p_value[row],
        doubleSelectionQValue: columns.double_selection_q_value[row],
        stability: columns.stability[row],
        stabilitySelected: yes(columns.stability_selected[row]),
        knockoff: columns.knockoff[row],
        knockoffSelected: yes(columns.knockoff_selected[row]),
      },
    ]),
  );
}

/** Unit and SD of every factor, as the fit on the whole span scales it. */
function scalesOf({ rows, columns }: TableData<'factors'>): Map<string, { unit: string; sd: number }> {
  const scales = new Map<string, { unit: string; sd: number }>();
  for (let row = 0; row < rows; row++) {
    if (stringAt(columns.fit, row) !== 'final') continue;
    scales.set(stringAt(columns.factor, row) ?? '', { unit: stringAt(columns.unit, row) ?? '', sd: columns.sd[row] });
  }
  return scales;
}

function pairOf(
  { columns }: TableData<'summary'>,
  row: number,
  scales: ReadonlyMap<string, { unit: string; sd: number }>,
  thresholdQValue: number,
): PairFinding {
  const factor = stringAt(columns.factor, row) ?? '';
  const { unit, sd } = scales.get(factor) ?? { unit: '', sd: Number.NaN };
  const variable = stringAt(columns.threshold_variable, row);
  const whole = (column: Int32Array) => (column[row] === NULL_INT ? Number.NaN : column[row]);
  return {
    asset: stringAt(columns.asset, row) ?? '',
    factor,
    method: stringAt(columns.method, row) ?? '',
    unit,
    exposure: columns.unit_exposure[row],
    lo: columns.lo[row] / sd,
    hi: columns.hi[row] / sd,
    latest: columns.latest_exposure[row] / sd,
    sign: columns.sign[row],
    pValue: columns.p_value[row],
    qValue: columns.q_value[row],
    selected: columns.selected[row] === 1,
    status: stringAt(columns.status, row) ?? '',
    peakLag: whole(columns.peak_lag),
    halfLife: columns.half_life[row],
    peakLagInterval: [whole(columns.peak_lag_lo), whole(columns.peak_lag_hi)],
    halfLifeInterval: [columns.half_life_lo[row], columns.half_life_hi[row]],
    inRegime: columns.in_regime[row] === 1,
    threshold:
      variable === null
        ? undefined
        : {
            variable,
            unit: stringAt(columns.threshold_unit, row) ?? '',
            pValue: columns.threshold_p_value[row],
            qValue: thresholdQValue,
            level: columns.threshold[row],
            lo: columns.threshold_lo[row],
            hi: columns.threshold_hi[row],
          },
    topInteraction: stringAt(columns.top_interaction, row) ?? undefined,
  };
}

/** Refuses a name that the run does not have. */
export function refuseUnknown(what: string, name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const some = known.length > 12 ? `${known.slice(0, 12).join(', ')} and ${known.length - 12} more` : known.join(', ');
  throw new InputError(`the run has no ${what} "${name}"`, { remedy: `give one of ${some}` });
}
