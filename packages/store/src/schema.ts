/** Storage type of a column: `date` is days since 1970-01-01 (Parquet DATE), `double` carries missing values as NaN. */
export type ColumnType = 'string' | 'double' | 'int' | 'date' | 'boolean';

/** Type, nullability and meaning of one column. Doubles are always nullable (NaN in memory, null in the file). */
export interface ColumnSpec {
  readonly type: ColumnType;
  readonly nullable: boolean;
  /** Meaning with unit, as printed in docs/results.md. */
  readonly meaning: string;
}

const string = (meaning: string) => ({ type: 'string', nullable: false, meaning }) as const;
const optionalString = (meaning: string) => ({ type: 'string', nullable: true, meaning }) as const;
const double = (meaning: string) => ({ type: 'double', nullable: true, meaning }) as const;
const int = (meaning: string) => ({ type: 'int', nullable: false, meaning }) as const;
const optionalInt = (meaning: string) => ({ type: 'int', nullable: true, meaning }) as const;
const date = (meaning: string) => ({ type: 'date', nullable: false, meaning }) as const;
const boolean = (meaning: string) => ({ type: 'boolean', nullable: false, meaning }) as const;
const optionalBoolean = (meaning: string) => ({ type: 'boolean', nullable: true, meaning }) as const;

const asset = string('asset name');
const factor = string('factor name');
const method = string('method name; `chosen` for the chosen mix');
const fit = string('fold number counted from 0, or `final` (fitted on the whole span)');
const status = string('`ok`, or what went wrong with the fit');
const exposure = 'decimal return per one training SD of the factor';
const unitExposure = double('decimal return per one unit of the factor');
const lo = double('lower end of the 90 % interval, in the unit of `exposure`');
const hi = double('upper end of the 90 % interval, in the unit of `exposure`');

/**
 * Columns of every output table, in file order. This is the one place that says what a table holds; file layout,
 * in-memory types and docs/results.md follow it.
 */
export const tableSchemas = {
  exposures: {
    asset,
    date: date('period end at which the exposure is read'),
    factor,
    method,
    kind: string('`contemporaneous`, `cumulative` or `total`'),
    fit,
    in_sample: boolean('true when the date lies in the rows that the fit has seen'),
    exposure: double(exposure),
    unit_exposure: unitExposure,
    se: double('standard error of `exposure`'),
    lo,
    hi,
    regime_share: double(
      "share of training periods on this date's side of the threshold (`fit` = `final`, where one is found); else within 1 SD of this date's state, of its least familiar variable",
    ),
    status,
  },
  lags: {
    asset,
    factor,
    method,
    fit,
    lag: int("periods before the return's own period"),
    exposure: double(`mean over out-of-sample dates: ${exposure}`),
    unit_exposure: unitExposure,
    lo,
    hi,
    status,
  },
  summary: {
    asset,
    factor,
    method,
    fit,
    mean_exposure: double(`mean over dates: ${exposure}`),
    latest_exposure: double(`at the last date: ${exposure}`),
    unit_exposure: double('mean over dates, decimal return per one unit of the factor'),
    lo: double('lower end of the 90 % interval of `mean_exposure`'),
    hi: double('upper end of the 90 % interval of `mean_exposure`'),
    sign: int('-1 or 1 where the interval excludes zero, else 0: not provable'),
    p_value: double('two-sided, against no exposure'),
    q_value: double('`p_value` after discovery control over all assets and factors of the method'),
    selected: boolean('true when `q_value` is at most the screening level'),
    status,
    peak_lag: optionalInt('lag with the largest absolute exposure, in periods'),
    peak_lag_lo: optionalInt('lower end of the 90 % interval of `peak_lag`'),
    peak_lag_hi: optionalInt('upper end of the 90 % interval of `peak_lag`'),
    half_life: double('first lag by which half of the total absolute response has come, in periods'),
    half_life_lo: double('lower end of the 90 % interval of `half_life`'),
    half_life_hi: double('upper end of the 90 % interval of `half_life`'),
    threshold: double('value of `threshold_variable` where the exposure changes sign; null where that is not provable'),
    threshold_lo: double('lower end of the 90 % interval of `threshold`; null where no lower value has a sure sign'),
    threshold_hi: double('upper end of the 90 % interval of `threshold`; null where no higher value has a sure sign'),
    threshold_variable: optionalString(
      "series along which the exposure changes most surely: the factor's own level or a state",
    ),
    threshold_unit: optionalString('unit of `threshold`'),
    threshold_p_value: double(
      'against an exposure that does not change with that series; allows for the search for the level',
    ),
    top_interaction: optionalString(
      'series whose level moves this exposure most surely; null where none does provably',
    ),
    in_regime: optionalBoolean(
      "false when the last date's state, or its side of the threshold, was hardly seen in training: believe the exposure less",
    ),
  },
  screening: {
    asset,
    factor,
    p_value: double('of no link of any kind: at once, delayed, beyond a level, or together with another series'),
    linear_p_value: double('of no linear link in the same period: least squares on all factors and controls'),
    double_selection_p_value: double(
      'of no linear link in the same period, controls chosen by double-selection LASSO; null where not asked for',
    ),
    double_selection_q_value: double('`double_selection_p_value` after discovery control over all assets and factors'),
    stability: double('share of the halves of dates in which a LASSO chooses the factor; null where not asked for'),
    stability_selected: optionalBoolean('true where stability selection keeps the pair at the screening level'),
    knockoff: double(
      "how much more the factor's innovation tells than its knockoff's, in SDs of the return; null where not asked for",
    ),
    knockoff_selected: optionalBoolean('true where knockoffs keep the pair at the screening level'),
  },
  interactions: {
    asset,
    factor,
    partner: string('series whose product with the factor moves the return most surely'),
    product: double('coefficient of the product: decimal return per SD of the factor and SD of the partner'),
    lo: double('lower end of the 90 % interval of `product`'),
    hi: double('upper end of the 90 % interval of `product`'),
    p_value: double('against no product, times the number of series tried'),
    q_value: double('`p_value` after discovery control over all assets and factors'),
    selected: boolean('true when `q_value` is at most the screening level'),
    method: optionalString('method that the next two columns are read off'),
    cross_partial: double(
      'rise of the exposure, mean over dates, when the partner lies one SD higher: decimal return per SD and SD; null where not selected',
    ),
    joint_shock: double(
      'decimal return when both lie one SD higher, less what each does alone, the other factors moving along; null where not selected',
    ),
  },
  evaluation: {
    asset: string('asset name, or `all` for the universe'),
    method,
    fold: string('fold number as in `fit` of the other tables, or `all`'),
    horizon: int("periods ahead; 0 is the factor's own period (attribution, not forecast)"),
    n: int('out-of-sample returns scored'),
    r2_oos: double('1 - SSE / SSE of the training mean'),
    hedge_variance_reduction: double('1 - variance of the hedged return / variance of the return'),
    dm_stat: double('Diebold-Mariano statistic against the training mean; positive: the method loses less'),
    dm_p_value: double('its two-sided p-value'),
    cw_stat: double('Clark-West statistic against the training mean, which the method nests'),
    cw_p_value: double('its one-sided p-value'),
  },
  diagnostics: {
    asset: string('`all` for the fit as a whole; an asset name where the asset could not be served'),
    method: string('method name'),
    fit,
    observations: int('training returns'),
    status: string('`ok`, or what went wrong with the asset; of `all` the commonest among assets that went wrong'),
    remedy: optionalString('what to do about it'),
    condition_number: double(
      'of the regressors, columns scaled to unit length; above 30 they can hardly be told apart. This and the rest stand on the row of `all`',
    ),
    residual_autocorrelation: double('first-order autocorrelation of training residuals, median over assets'),
    autocorrelated_share: double('share of assets whose residuals are autocorrelated (Ljung-Box, 6 lags, 5 %)'),
    unstable_share: double('share of assets whose residuals drift away from zero (CUSUM, 5 %)'),
    facts: optionalString('further facts of the fit, a JSON object of numbers'),
  },
  chosen: {
    asset,
    fit,
    method: string('method that was chosen'),
    weight: double('its weight, 0 to 1; the weights of an asset and fit sum to 1'),
    reason: string('why, in words'),
  },
  factors: {
    factor,
    fit,
    role: string('`factor`, `state` or `control`'),
    unit: string('unit of the transformed series'),
    transform: string('transform as named in the config'),
    mean: double('training mean, in `unit`'),
    sd: double('training standard deviation, in `unit`'),
    release_lag: int("periods between the reference period's end and publication"),
    source: string('where the series comes from'),
  },
} as const satisfies Record<string, Record<string, ColumnSpec>>;

type Schemas = typeof tableSchemas;

/** Version of the tables' layout, written into every file; it changes when a column changes its meaning. */
export const tableSchemaVersion = 1;

/** Name of an output table; its file is `<name>.parquet`. */
export type TableName = keyof Schemas;

/** Name of a column of the given table. */
export type ColumnName<N extends TableName> = keyof Schemas[N] & string;

/** Specification of one column, with its literal type kept. */
export type SpecOf<N extends TableName, C extends ColumnName<N>> = Schemas[N][C] & ColumnSpec;

/** Names of all tables, in the order in which a run writes them. */
export const tableNames = Object.keys(tableSchemas) as readonly TableName[];

/** Columns of a table in file order, with their specifications. */
export function columnsOf<N extends TableName>(name: N): readonly (readonly [ColumnName<N>, ColumnSpec])[] {
  return Object.entries(tableSchemas[name]) as unknown as readonly (readonly [ColumnName<N>, ColumnSpec])[];
}
