import { type RunRecord, readRunRecord, readTable, stringAt } from '@macrograd/store';
import { type FindingsFilter, refuseUnknown } from './findings.js';

/** The series that one asset's factor acts together with most surely. Missing = NaN. */
export interface InteractionFinding {
  readonly asset: string;
  readonly factor: string;
  readonly partner: string;
  /** Decimal return per SD of the factor and SD of the partner, with its interval. */
  readonly product: number;
  readonly lo: number;
  readonly hi: number;
  readonly pValue: number;
  readonly qValue: number;
  readonly selected: boolean;
  /** Rise of the method's exposure when the partner lies one SD higher, decimal per SD and SD; NaN where not provable. */
  readonly crossPartial: number;
  /** Decimal return when both lie one SD higher, less what each does alone; NaN where not provable. */
  readonly jointShock: number;
  readonly method: string | undefined;
}

/** Interactions of a run. */
export interface Interactions {
  readonly record: RunRecord;
  readonly pairs: readonly InteractionFinding[];
}

/**
 * Reads the interactions that a finished run tested, one for every asset and factor.
 *
 * @throws InputError for a directory that no run wrote, and for an asset or factor that it does not have
 */
export async function readInteractions(
  dir: string,
  { asset, factor }: Pick<FindingsFilter, 'asset' | 'factor'> = {},
): Promise<Interactions> {
  const record = readRunRecord(dir);
  const { rows, columns } = await readTable(dir, 'interactions');
  if (asset !== undefined) refuseUnknown('asset', asset, columns.asset.values);
  if (factor !== undefined) refuseUnknown('factor', factor, columns.factor.values);
  const pairs = Array.from({ length: rows }, (_, row): InteractionFinding => {
    return {
      asset: stringAt(columns.asset, row) ?? '',
      factor: stringAt(columns.factor, row) ?? '',
      partner: stringAt(columns.partner, row) ?? '',
      product: columns.product[row],
      lo: columns.lo[row],
      hi: columns.hi[row],
      pValue: columns.p_value[row],
      qValue: columns.q_value[row],
      selected: columns.selected[row] === 1,
      crossPartial: columns.cross_partial[row],
      jointShock: columns.joint_shock[row],
      method: stringAt(columns.method, row) ?? undefined,
    };
  });
  const wanted = pairs.filter(
    (pair) => (asset === undefined || pair.asset === asset) && (factor === undefined || pair.factor === factor),
  );
  return { record, pairs: wanted };
}
