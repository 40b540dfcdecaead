import {
  ArgumentError,
  type Diagnostics,
  type Estimator,
  type FitOptions,
  type Fitted,
  fitScaler,
  InputError,
  type LstmParameters,
  type Panel,
  type Scaler,
  type Span,
} from '@macrograd/core';
import { type ClosedFormFit, type ClosedFormInputs, closedFormFit } from '@macrograd/kernel';
import { assetStatus, averagePValues, MIN_ASSET_OBSERVATIONS } from './diagnose.js';
import { LstmFitted } from './fitted.js';
import { encoderInputs, fitInputRule, type InputRule } from './input-rule.js';
import { learnedFit } from './learned.js';
import { walkPath } from './walk-path.js';
import { FittedWithBase, fitBases } from './with-base.js';

/** Window lengths that `lookback: 'auto'` tries: no memory but the lag filters', and three years of months. */
const AUTO_LOOKBACKS: readonly number[] = [1, 36];

/** Options of {@link lstmEstimator}. */
export interface LstmEstimatorOptions {
  /** Units of the encoder; default 8, 16 where heads are learned. */
  readonly hiddenSize?: number;
  /** Rows of a window, or `auto` (default): 1, or 36 where that explains left-out rows clearly better (by 1 % of what 1 explains). */
  readonly lookback?: 'auto' | number;
  /**
   * Standardised inputs beyond this many training SDs enter as if at it, in training and after; default 3, at least 1,
   * Infinity for no limit. What a crisis adds beyond it is not extrapolated.
   */
  readonly inputLimit?: number;
  /** Members of the ensemble; each leaves out other blocks of rows. Default 5; lookbacks and cells are compared by three. */
  readonly members?: number;
  /**
   * `mixed`: every third unit multiplies gates by a linear function, as products of factors need. Default `auto`: the
   * better of the two on left-out rows at lookback 1, `lstm` at longer ones.
   */
  readonly cell?: 'auto' | 'lstm' | 'mixed';
  /** Training steps at lookback 1 and at longer ones; default 900 and 600. Most epochs of learned heads; default 400. */
  readonly steps?: number;
  readonly longSteps?: number;
  /** Most patterns of missing returns; the closest are merged beyond that. Default 8. */
  readonly maxPatterns?: number;
  /**
   * `closed_form` (default): heads stand still over the training span. `kalman`: heads on the factors walk, filtered row
   * by row; an exposure inside the span then uses returns up to its row, and after the span the last heads hold.
   * `learned`: trained by gradient steps with the encoder, one vector an asset, as a plain LSTM; for comparison, since
   * nothing shrinks them and their intervals are the members' spread alone.
   */
  readonly heads?: 'closed_form' | 'kalman' | 'learned';
  /**
   * Leading training rows that scaling, encoder and variances are learned from; default all. With `kalman` heads the
   * filter goes on through the rest of the span.
   */
  readonly encoderRows?: number;
  /** Default 0 = all cores; the result has the same bits for any number. */
  readonly threads?: number;
}

/**
 * One LSTM for all assets whose heads are integrated out: exposures that move with the state of the economy, shrunk
 * towards what the assets have in common (docs/derivations/closed_form_heads.md).
 *
 * Rows before the training span count as missing in training; a window that reaches before the first row is filled
 * with the training mean.
 *
 * @example
 * const fitted = await lstmEstimator().fit(panel, { start: 0, end: 420 }, { seed: 1 });
 * for await (const block of fitted.jacobian(panel.inputs, { start: 420, end: 600 }, { form: 'cumulative' })) {
 *   console.log(block.values.length);
 * }
 */
export function lstmEstimator(options: LstmEstimatorOptions = {}): Estimator {
  return { method: 'lstm', fit: (panel, span, fit) => fitLstm(panel, span, fit, options) };
}

/**
 * The model again from its stored parameters: the same predictions and exposures, to the bit. Diagnostics hold what the
 * parameters tell (which assets were fitted), not observations and p-values.
 */
export function fromParameters(
  parameters: LstmParameters,
  options: Pick<LstmEstimatorOptions, 'threads'> = {},
): Fitted {
  const assets = parameters.returnMean.length;
  const diagnostics: Diagnostics = {
    status: Array.from(parameters.returnMean, (mean) =>
      Number.isNaN(mean)
        ? { status: 'no_data', remedy: 'the stored model holds no heads of this asset: fit it again' }
        : { status: 'ok', remedy: '' },
    ),
    observations: new Int32Array(assets),
    pValues: new Float64Array(0),
    facts: { lookback: parameters.members[0].lookback },
  };
  return new LstmFitted(parameters, diagnostics, threadsOf(options));
}

async function fitLstm(panel: Panel, span: Span, fit: FitOptions, options: LstmEstimatorOptions): Promise<Fitted> {
  const { fitted: bases, residual } = await fitBases(fit.base ?? [], panel, span, fit);
  const early = encoderSpan(span, options);
  const rule = fitInputRule(panel.inputs, early, limitOf(options));
  if (rule.columns.length === 0) {
    const remedy = 'give a longer span or other series';
    throw new InputError('no factor is observed on enough training rows', { remedy });
  }
  const lookbacks = lookbacksOf(options.lookback ?? 'auto', early);
  const scaler = fitScaler(residual.returns, panel.assets.length, early);
  const returns = standardisedReturns(residual, span, scaler);
  const inputs = encoderInputs(rule, panel.inputs, span);
  const job = { inputs, returns, rule, scaler, lookbacks, trainRows: early.end - early.start };
  const { parameters, facts, result } =
    options.heads === 'learned' ? await trainLearned(job, fit, options) : await trainClosedForm(job, fit, options);
  const known = { status: assetStatus(scaler.count), observations: scaler.count };
  const make = (pValues: Float64Array) => {
    const diagnostics: Diagnostics = { ...known, pValues, facts };
    const top = new LstmFitted(
      parameters,
      diagnostics,
      threadsOf(options),
      result && walkPath(result, panel.inputs, span, returns),
    );
    return bases.length === 0 ? top : new FittedWithBase(bases, top, diagnostics);
  };
  const pValues = await averagePValues(make(new Float64Array(0)), panel, span);
  return make(pValues);
}

/** What both ways of training are given. */
interface TrainingJob {
  readonly inputs: ClosedFormInputs;
  /** [row][asset], standardised. */
  readonly returns: Float64Array;
  readonly rule: InputRule;
  readonly scaler: Scaler;
  readonly lookbacks: readonly number[];
  readonly trainRows: number;
}

interface TrainedLstm {
  readonly parameters: LstmParameters;
  readonly facts: Readonly<Record<string, number>>;
  /** Of heads in closed form. */
  readonly result?: ClosedFormFit;
}

async function trainClosedForm(
  { inputs, returns, rule, scaler, lookbacks, trainRows }: TrainingJob,
  { seed, signal, onProgress }: FitOptions,
  options: LstmEstimatorOptions,
): Promise<TrainedLstm> {
  const result = await closedFormFit(inputs, returns, scaler.mean.length, {
    ...settings(options),
    lookbacks,
    trainRows,
    walk: options.heads === 'kalman',
    noisyColumns: rule.windowColumns.length,
    seed,
    ...(signal && { signal }),
    ...(onProgress && { onProgress: (fraction) => onProgress(fraction, 'training the LSTM') }),
  });
  const facts = {
    ...validationFacts(result.lookback, lookbacks, result.validationErrors),
    mixed_cells: result.mixed ? 1 : 0,
    training_steps: Math.max(...result.members.map((member) => member.steps)),
    dropped_observations: result.droppedObservations,
    ...walkFacts(result),
  };
  return { parameters: parametersOf(result, rule, scaler, seed), facts, result };
}

const LEARNED_HIDDEN = 16;
const DEFAULT_MEMBERS = 5;

async function trainLearned(
  { inputs, returns, rule, scaler, lookbacks }: TrainingJob,
  { seed, signal, onProgress }: FitOptions,
  { hiddenSize = LEARNED_HIDDEN, members = DEFAULT_MEMBERS, cell, steps, threads }: LstmEstimatorOptions,
): Promise<TrainedLstm> {
  if (cell === 'mixed') throw new ArgumentError('cell is mixed and heads are learned', 'leave `cell` out');
  const assets = scaler.mean.length;
  const { offsets, ...result } = await learnedFit(inputs, returns, assets, {
    hiddenSize,
    members,
    lookbacks,
    seed,
    ...(steps !== undefined && { epochs: steps }),
    ...(threads !== undefined && { threads }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress: (fraction: number) => onProgress(fraction, 'training the LSTM and its heads') }),
  });
  const isFitted = (asset: number) => scaler.count[asset] >= MIN_ASSET_OBSERVATIONS;
  const parameters: LstmParameters = {
    method: 'lstm',
    ...rule,
    returnMean: scaler.mean.map((mean, i) => (isFitted(i) ? mean + scaler.sd[i] * offsets[i] : Number.NaN)),
    returnSd: scaler.sd.map((sd, i) => (isFitted(i) ? sd : Number.NaN)),
    assetGroup: Int32Array.from(scaler.mean, (_, i) => (isFitted(i) ? 0 : -1)),
    members: result.members,
  };
  return { parameters, facts: validationFacts(result.lookback, lookbacks, result.validationErrors) };
}

function validationFacts(lookback: number, lookbacks: readonly number[], errors: ArrayLike<number>) {
  const each = lookbacks.map((length, i) => [`validation_error_lookback_${length}`, errors[i]]);
  return { lookback, validation_error: errors[lookbacks.indexOf(lookback)], ...Object.fromEntries(each) };
}

/** Measured on the bundled sample and on simulated worlds: docs/methods/lstm.md. */
const INPUT_LIMIT = 3;

function limitOf({ inputLimit = INPUT_LIMIT }: LstmEstimatorOptions): number {
  if (!(inputLimit >= 1)) throw new ArgumentError(`inputLimit is ${inputLimit}`, 'give at least 1 SD');
  return inputLimit;
}

/** The leading rows of the span that everything but filtered heads is learned from. */
function encoderSpan(span: Span, { encoderRows = span.end - span.start, heads }: LstmEstimatorOptions): Span {
  if (!(Number.isInteger(encoderRows) && encoderRows > 0)) {
    throw new ArgumentError(`encoderRows is ${encoderRows}`, 'give a whole number of rows, 1 or more');
  }
  const end = Math.min(span.end, span.start + encoderRows);
  if (end < span.end && heads !== 'kalman') {
    throw new ArgumentError('encoderRows is less than the span, and heads do not walk', 'give a shorter span');
  }
  return { start: span.start, end };
}

/** Largest SD of a monthly step over members and factors, standardised returns per factor SD. */
function walkFacts({ members }: ClosedFormFit): Record<string, number> {
  const steps = members.flatMap(({ walks }) => (walks ? [...walks.commonStep, ...walks.ownStep] : []));
  return steps.length === 0 ? {} : { largest_step_sd: Math.sqrt(Math.max(...steps)) };
}

function lookbacksOf(lookback: 'auto' | number, span: Span): readonly number[] {
  if (lookback === 'auto') {
    // A window is tried where the span holds at least two of them.
    return AUTO_LOOKBACKS.filter((length) => length === 1 || 2 * length <= span.end - span.start);
  }
  if (!Number.isInteger(lookback) || lookback < 1) {
    throw new ArgumentError(`lookback is ${lookback}`, 'give an integer of at least 1, or auto');
  }
  return [lookback];
}

/** [row][asset] of the span; NaN throughout for an asset with too few returns to learn from: it is not fitted. */
function standardisedReturns(panel: Panel, span: Span, scaler: Scaler): Float64Array {
  const assets = panel.assets.length;
  const out = panel.returns.slice(span.start * assets, span.end * assets);
  for (let i = 0; i < out.length; i++) {
    const asset = i % assets;
    const fitted = scaler.count[asset] >= MIN_ASSET_OBSERVATIONS;
    out[i] = fitted ? (out[i] - scaler.mean[asset]) / scaler.sd[asset] : Number.NaN;
  }
  return out;
}

function parametersOf(result: ClosedFormFit, rule: InputRule, scaler: Scaler, seed: number): LstmParameters {
  const fitted = (asset: number) => result.assetGroup[asset] >= 0;
  return {
    method: 'lstm',
    ...rule,
    returnMean: scaler.mean.map((mean, i) => (fitted(i) ? mean + scaler.sd[i] * result.offsets[i] : Number.NaN)),
    returnSd: scaler.sd.map((sd, i) => (fitted(i) ? sd : Number.NaN)),
    assetGroup: result.assetGroup,
    members: result.members.map(({ map, heads, headCovariance, headBasis, headVariances }) => ({
      ...map,
      inputSize: rule.windowColumns.length + rule.flagged.length,
      heads,
      headCovariance,
      // Heads that walk have no directions apart: their group's covariance is all.
      ...(headBasis.length > 0 && { headBasis }),
      headVariances,
      seed,
    })),
  };
}

function settings({ hiddenSize, members, cell, steps, longSteps, maxPatterns, threads }: LstmEstimatorOptions) {
  return {
    ...(hiddenSize !== undefined && { hiddenSize }),
    ...(members !== undefined && { members }),
    ...(cell !== undefined && cell !== 'auto' && { cell }),
    ...(steps !== undefined && { steps }),
    ...(longSteps !== undefined && { longSteps }),
    ...(maxPatterns !== undefined && { maxPatterns }),
    ...(threads !== undefined && { threads }),
  };
}

function threadsOf({ threads }: Pick<LstmEstimatorOptions, 'threads'>) {
  return threads === undefined ? {} : { threads };
}
