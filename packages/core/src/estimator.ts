import type { Condition, ConditionedColumn } from './condition.js';
import type { AssetRange, FactorPanel, Panel, ReturnMatrix, Scaler, Span } from './panel.js';

/** Methods that exist, in the order in which tables and pages list them. */
export const METHOD_IDS = [
  'zero',
  'ols',
  'rolling_ols',
  'ewm_ols',
  'wls',
  'ridge',
  'lasso',
  'elastic_net',
  'pls',
  'fama_macbeth',
  'pca',
  'var',
  'kalman',
  'markov',
  'threshold',
  'distributed_lag',
  'spline',
  'lstm',
] as const;

/** Name of a method, as in a config's `methods`. */
export type MethodId = (typeof METHOD_IDS)[number];

/** How well a fit went for one asset; anything but `ok` comes with a remedy. */
export type FitStatus =
  | 'ok'
  | 'too_few_observations'
  | 'rank_deficient'
  | 'not_converged'
  | 'regime_barely_seen'
  | 'no_data';

/** What is wrong with one asset's fit, and what to do about it. */
export interface StatusNote {
  readonly status: FitStatus;
  readonly remedy: string;
}

/** Progress of long work: a fraction in [0, 1] and what is being done. */
export type ProgressCallback = (fraction: number, what: string) => void;

export interface FitOptions {
  /** Estimators whose prediction is taken off first (linear skip, lags). */
  readonly base?: readonly Estimator[];
  readonly signal?: AbortSignal;
  readonly seed: number;
  readonly onProgress?: ProgressCallback;
}

/** Shape in which a Jacobian is wanted: every lag, lag 0 alone, or the sum over lags. */
export type JacobianForm = 'lags' | 'contemporaneous' | 'cumulative';

export interface JacobianOptions {
  /** Default `lags`. */
  readonly form?: JacobianForm;
  /** Mean over the span's dates instead of one value a date, with the variance of that mean. Default false. */
  readonly average?: boolean;
  readonly assets?: AssetRange;
  readonly signal?: AbortSignal;
}

/**
 * Exposures of one block of assets: decimal return per one training SD of the factor.
 * `factors` counts the panel's series with role `factor`, in panel order.
 */
export interface JacobianBlock {
  readonly assets: AssetRange;
  /** Rows of the inputs that `values` covers; one averaged row when `average` was asked. */
  readonly span: Span;
  readonly dates: number;
  readonly lags: number;
  readonly factors: number;
  /** [asset][date][lag][factor]; lag 0 is the return's own period. NaN where the factor is missing. */
  readonly values: Float64Array;
  /** Variance of `values`, same shape; NaN where the method has none. */
  readonly variance: Float64Array;
}

/** Method-independent facts of a fit. */
export interface Diagnostics {
  /** One entry an asset. */
  readonly status: readonly StatusNote[];
  /** Training observations of each asset. */
  readonly observations: Int32Array;
  /** Two-sided p-value of "no contemporaneous and no lagged effect", [asset][factor]; NaN where the method has none. */
  readonly pValues: Float64Array;
  /** Numbers worth printing: condition number, validation error, chosen lookback. */
  readonly facts: Readonly<Record<string, number>>;
}

/** Coefficients that do not move, or one set a training row. Plain data: enough to store, export and predict. */
export interface LinearParameters {
  readonly method: Exclude<
    MethodId,
    FeatureParameters['method'] | LstmParameters['method'] | ThresholdParameters['method']
  >;
  readonly scaler: Scaler;
  /** Columns of the inputs that enter, factors and controls, in this order. */
  readonly columns: readonly number[];
  /** [asset], decimal per period. */
  readonly intercept: Float64Array;
  /** [asset][column], decimal return per SD, as of the last training row. */
  readonly coefficients: Float64Array;
  /** [asset][column], variance of `coefficients`; NaN where the column was left out for that asset. Absent: unknown. */
  readonly variances?: Float64Array;
  /** Series with a further 0/1 regressor "missing"; a missing value itself enters as 0 after standardising. */
  readonly missingColumns: readonly number[];
  /** [asset][missing column], decimal return while that series is missing, as of the last training row. */
  readonly missingCoefficients: Float64Array;
}

/** One regime's coefficients: as in {@link LinearParameters}. */
export type RegimeCoefficients = Pick<
  LinearParameters,
  'intercept' | 'coefficients' | 'variances' | 'missingCoefficients'
>;

/**
 * Coefficients that change where a series crosses a threshold. Those at the top are of the regression without a
 * threshold: of assets that have none, and of rows where the series is missing.
 */
export interface ThresholdParameters extends Omit<LinearParameters, 'method'> {
  readonly method: 'threshold';
  /** [asset], column of the inputs that is compared; -1 = no threshold. */
  readonly variable: Int32Array;
  /** [asset], in the series' own unit; 0 without one. */
  readonly threshold: Float64Array;
  /** Rows by which the series is read before the return's own. */
  readonly delay: number;
  /** Where the series is at or below the threshold. */
  readonly lower: RegimeCoefficients;
  /** Where it is above. */
  readonly upper: RegimeCoefficients;
}

/** One regime of a threshold regression (the whole, `lower` or `upper`) as a regression of its own. */
export function regimeAsLinear(
  { scaler, columns, missingColumns }: ThresholdParameters,
  { intercept, coefficients, variances, missingCoefficients }: RegimeCoefficients,
): LinearParameters {
  return {
    method: 'ols',
    scaler,
    columns,
    missingColumns,
    intercept,
    coefficients,
    ...(variances && { variances }),
    missingCoefficients,
  };
}

/**
 * Features of the inputs by fixed formulae (lags, splines, products), linear in each asset's coefficients.
 *
 * Features, in this order: standardised `columns`; their lag sums by basis [column][basis]; splines
 * h log(1 + exp((z - knot) / h)) [column][knot]; products of pairs; one 0/1 mark a missing series. Each has its training
 * mean taken off and is divided by its training SD.
 */
export interface FeatureParameters {
  readonly method: 'var' | 'distributed_lag' | 'spline';
  readonly scaler: Scaler;
  /** Columns of the inputs that enter. */
  readonly columns: readonly number[];
  /** Positions in `columns` of those that enter with lags. */
  readonly lagged: readonly number[];
  readonly lagCount: number;
  /** [lag][basis]. */
  readonly lagBasis: Float64Array;
  /** [column][knot], in SD; empty without splines. */
  readonly knots: Float64Array;
  /** Width h of a knot's bend, in SD. */
  readonly bend: number;
  /** Pairs of positions in `columns` whose product enters. */
  readonly products: readonly (readonly [number, number])[];
  /** [column], least and largest training value in SD: values beyond are held there. Absent: inputs enter as they are. */
  readonly low?: Float64Array;
  readonly high?: Float64Array;
  /** Series with a mark. */
  readonly missingColumns: readonly number[];
  /** [feature]. */
  readonly featureMean: Float64Array;
  readonly featureSd: Float64Array;
  /** [asset], decimal per period, where every feature is at its mean. */
  readonly intercept: Float64Array;
  /** [asset][feature], decimal per SD of the feature. */
  readonly heads: Float64Array;
  /**
   * [group][feature][feature]: covariance of the heads of a group's assets on returns of unit SD; NaN for a feature that
   * was left out. Absent, with the next two: unknown.
   */
  readonly headCovariance?: Float64Array;
  /** [asset]: group in `headCovariance`; -1 where not estimated. */
  readonly assetGroup?: Int32Array;
  /** [asset], decimal: SD of the returns. */
  readonly returnSd?: Float64Array;
}

/** One trained encoder of the pooled LSTM ensemble. All weights float32 as trained; gate order i, f, g, o. */
export interface EncoderParameters {
  /** Window length L; index 0 is the oldest step. */
  readonly lookback: number;
  readonly hiddenSize: number;
  readonly inputSize: number;
  /** [4H][F], [4H][H], [4H] (the two biases of torch.nn.LSTM summed). */
  readonly weightIh: Float32Array;
  readonly weightHh: Float32Array;
  readonly bias: Float32Array;
  /** Lag filters as applied: [lag][factor][filter]. */
  readonly lagFilters: Float64Array;
  readonly lagCount: number;
  readonly filterCount: number;
  /**
   * Features are products: z_t, then z_tf h_t-1,k factor after factor, h_t-1 the state of the row before, so that
   * coefficients on the factors move with it. Absent: [z | h | l].
   */
  readonly conditional?: boolean;
  /** Training mean of the features, taken off before the heads. */
  readonly featureMean: Float64Array;
  /** [asset][feature]: posterior mean of the head, on standardised returns. */
  readonly heads: Float64Array;
  /**
   * [group][feature][feature], C: posterior covariance of the mean head of the assets of a group. With u and v below the
   * head of an asset has the covariance `v_0 C + sum over p of v_p u_p u_p'`. Absent: no variance.
   */
  readonly headCovariance?: Float64Array;
  /** [group][direction][feature], u: directions in which heads deviate from their group's mean. Absent: none. */
  readonly headBasis?: Float64Array;
  /** [asset][1 + direction], v; NaN for an asset without a fit. Absent: v_0 = 1 and no directions. */
  readonly headVariances?: Float64Array;
  readonly seed: number;
}

/**
 * What the sample variance of the members' exposures counts in the variance of their mean, beside the heads' posterior:
 * members leave one of five groups of row blocks out each, and a grouped jackknife gives (5 - 1)^2 / 5 to that variance.
 */
export const MEMBER_SPREAD_WEIGHT = 3.2;

/** The pooled LSTM with closed-form heads: members whose outputs are averaged. */
export interface LstmParameters {
  readonly method: 'lstm';
  readonly scaler: Scaler;
  /** Columns of the inputs that enter linearly and through lag filters (factors and controls). */
  readonly columns: readonly number[];
  /** Columns of the inputs that enter the window: `columns`, then states. */
  readonly windowColumns: readonly number[];
  /** Window columns that carry a further 0/1 input "observed" after them, because they have missing values. */
  readonly flagged: readonly number[];
  /**
   * Standardised inputs of the window and of the linear part beyond this many SDs enter as if at it; absent = no limit.
   * An exposure there is the derivative at the limit, from within.
   */
  readonly inputLimit?: number;
  /** Per asset: return in decimals at the mean features, and SD that turns a standardised return into decimals. */
  readonly returnMean: Float64Array;
  readonly returnSd: Float64Array;
  /** Group of each asset in `headCovariance` (same rows of missing returns); -1 where not estimated. */
  readonly assetGroup?: Int32Array;
  readonly members: readonly EncoderParameters[];
}

/** One member of every asset's own ensemble. Weights float32 as trained, gate order i, f, g, o; 0 for an asset without a fit. */
export interface AssetNetworks {
  /** [asset][4H][F], [asset][4H][H], [asset][4H] (the two biases of torch.nn.LSTM summed). */
  readonly weightIh: Float32Array;
  readonly weightHh: Float32Array;
  readonly bias: Float32Array;
  /** [asset][H]: the head on the last hidden state, on standardised returns. */
  readonly headWeight: Float32Array;
  readonly seed: number;
}

/** An LSTM of its own for every asset, all of one size: members whose outputs are averaged. */
export interface PerAssetLstmParameters extends Omit<LstmParameters, 'assetGroup' | 'members'> {
  readonly mode: 'per_asset';
  /** Window length L of all of them. */
  readonly lookback: number;
  readonly hiddenSize: number;
  readonly inputSize: number;
  readonly members: readonly AssetNetworks[];
}

/**
 * The network of one asset as an LSTM of that asset alone: heads on the hidden units, no lag filters, no posterior. A single
 * member has no variance at all.
 */
export function lstmOfAsset(parameters: PerAssetLstmParameters, asset: number): LstmParameters {
  const { mode: _, lookback, hiddenSize, inputSize, members, returnMean, returnSd, ...rule } = parameters;
  const features = rule.columns.length + hiddenSize;
  return {
    ...rule,
    returnMean: rowOf(returnMean, 1, asset),
    returnSd: rowOf(returnSd, 1, asset),
    assetGroup: Int32Array.of(Number.isNaN(returnMean[asset]) ? -1 : 0),
    members: members.map(({ weightIh, weightHh, bias, headWeight, seed }) => {
      const heads = new Float64Array(features);
      heads.set(rowOf(headWeight, hiddenSize, asset), rule.columns.length);
      return {
        lookback,
        hiddenSize,
        inputSize,
        weightIh: rowOf(weightIh, 4 * hiddenSize * inputSize, asset),
        weightHh: rowOf(weightHh, 4 * hiddenSize * hiddenSize, asset),
        bias: rowOf(bias, 4 * hiddenSize, asset),
        lagFilters: new Float64Array(0),
        lagCount: 0,
        filterCount: 0,
        featureMean: new Float64Array(features),
        heads,
        // What is left of the variance is the members' spread.
        ...(members.length > 1 && { headCovariance: new Float64Array(features * features) }),
        seed,
      };
    }),
  };
}

/** One row of a row-major matrix, copied. */
function rowOf<A extends Float32Array | Float64Array>(values: A, width: number, row: number): A {
  return values.slice(row * width, (row + 1) * width) as A;
}

/** A method whose inputs a state conditions: that of the conditioned inputs, and how they are made. */
export interface ConditionedParameters {
  readonly method: LinearParameters['method'] | 'var' | 'distributed_lag';
  /** Of the panel's own inputs. */
  readonly scaler: Scaler;
  readonly condition: Condition;
  /** Of the method, in its order. */
  readonly inputs: readonly ConditionedColumn[];
  /** On these inputs. */
  readonly conditioned: LinearParameters | FeatureParameters;
}

export type FittedParameters =
  | LinearParameters
  | ThresholdParameters
  | FeatureParameters
  | ConditionedParameters
  | LstmParameters
  | PerAssetLstmParameters;

/** A method of estimating exposures. Every method, traditional or not, is one of these. */
export interface Estimator {
  readonly method: MethodId;
  /** Learns from the rows of `span` alone; later rows can't change a bit of the result. */
  fit(panel: Panel, span: Span, options: FitOptions): Promise<Fitted>;
}

/** What an Estimator has learned. */
export interface Fitted {
  readonly method: MethodId;
  /** Expected returns given the inputs, which may be unseen data or shocked paths. */
  predict(inputs: FactorPanel, span: Span, assets?: AssetRange): Promise<ReturnMatrix>;
  /** Exposures, one block of assets at a time, so that a whole universe never lies in memory. */
  jacobian(inputs: FactorPanel, span: Span, options?: JacobianOptions): AsyncIterable<JacobianBlock>;
  parameters(): FittedParameters;
  readonly diagnostics: Diagnostics;
  /**
   * After the training span the contemporaneous exposure at a row depends on the rows before it alone, so that a hedge may
   * use it for the row itself. Absent: it may depend on the row.
   */
  readonly knownAhead?: boolean;
  /** Where coefficients walk: the same fit with coefficients that stand still, those of the training rows. */
  readonly standing?: Fitted | undefined;
}
