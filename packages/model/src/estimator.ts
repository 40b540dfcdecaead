import {
  ArgumentError,
  calmWeights,
  type Diagnostics,
  type Estimator,
  type FitOptions,
  type Fitted,
  fitScaler,
  InputError,
  type LstmParameters,
  type Panel,
  type PerAssetLstmParameters,
  type Scaler,
  type Span,
  weightRows,
} from '@macrograd/core';
import { type ClosedFormFit, type ClosedFormInputs, closedFormFit } from '@macrograd/kernel';
import { assetStatus, averagePValues, MIN_ASSET_OBSERVATIONS } from './diagnose.js';
import { LstmFitted } from './fitted.js';
import { encoderInputs, fitInputRule, type InputRule } from './input-rule.js';
import { type LearnedOptions, learnedFit } from './learned.js';
import { perAssetFit } from './per-asset.js';
import { PerAssetFitted } from './per-asset-fitted.js';
import { pilotResiduals } from './pilot.js';
import { type WalkPath, walkPath } from './walk-path.js';
import { FittedWithBase, fitBases, type TopFitted } from './with-base.js';

/** Window lengths that `lookback: 'auto'` tries: no memory but the lag filters', and three years of months. */
const AUTO_LOOKBACKS: readonly number[] = [1, 36];

/** Options of {@link lstmEstimator}. */
export interface LstmEstimatorOptions {
  /**
   * `pooled` (default): one encoder for all assets. `per_asset`: a network for every asset, with weights of its own, trained
   * on that asset's returns alone; for comparison, since nothing is shared and intervals are the members' spread alone.
   */
  readonly mode?: 'pooled' | 'per_asset';
  /** Units of the encoder; default 8, 16 where heads are learned. */
  readonly hiddenSize?: number;
  /**
   * Rows of a window; several: those that left-out rows choose among, where a longer one has to explain more than the best
   * of the shorter ones by 1 % of what that explains. `auto` (default) stands for 1 and 36. One that the training span does
   * not hold twice is not tried, unless there is no shorter one.
   */
  readonly lookback?: 'auto' | number | readonly number[];
  /**
   * Standardised inputs beyond this many training SDs enter as if at it, in training and after; default 3, at least 1,
   * Infinity for no limit. What a crisis adds beyond it is not extrapolated.
   */
  readonly inputLimit?: number;
  /**
   * `level` (default): the state adds to the return, and exposures are its derivatives. `conditional`: the state of the row
   * before multiplies the factors, so that exposures are known before the return (docs/derivations/conditional_beta.md);
   * heads in closed form alone, and no lag filters.
   */
  readonly form?: 'level' | 'conditional';
  /** Members of the ensemble; each leaves out other blocks of rows. Default 5; lookbacks and cells are compared by three. */
  readonly members?: number;
  /**
   * `mixed`: every third unit multiplies gates by a linear function, as products of factors need. Default `auto`: the
   * better of the two on left-out rows at lookback 1, `lstm` at longer ones.
   */
  readonly cell?: 'auto' | 'lstm' | 'mixed';
  /**
   * Training steps at lookback 1 and at longer ones; default 900 and 600. Most epochs of learned heads and of a network for
   * every asset; default 400.
   */
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
  /**
   * `calm`: rows count in training and heads by one over the mean square of residuals around them, so that a crisis does not
   * count as much as years of calm: for weekly and daily returns (docs/methods/lstm.md). The residuals are those of one
   * member that is trained first. Default `equal`. Heads in closed form of level features alone.
   */
  readonly rowWeights?: 'equal' | 'calm';
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
  parameters: LstmParameters | PerAssetLstmParameters,
  options: Pick<LstmEstimatorOptions, 'threads'> = {},
): TopFitted {
  const assets = parameters.returnMean.length;
  const diagnostics: Diagnostics = {
    status: Array.from(parameters.returnMean, (mean) =>
      Number.isNaN(mean)
        ? { status: 'no_data', remedy: 'the stored model holds no heads of this asset: fit it again' }
        : { status: 'ok', remedy: '' },
    ),
    observations: new Int32Array(assets),
    pValues: new Float64Array(0),
    facts: { lookback: 'mode' in parameters ? parameters.lookback : parameters.members[0].lookback },
  };
  return fittedOf(parameters, diagnostics, options);
}

function fittedOf(
  parameters: LstmParameters | PerAssetLstmParameters,
  diagnostics: Diagnostics,
  options: Pick<LstmEstimatorOptions, 'threads'>,
  path?: WalkPath,
  standing?: LstmFitted,
): TopFitted {
  return 'mode' in parameters
    ? new PerAssetFitted(parameters, diagnostics, threadsOf(options))
    : new LstmFitted(parameters, diagnostics, threadsOf(options), path, standing);
}

/** Products of factors and state, and weighted rows, have heads in closed form alone; those products weigh rows anyway. */
function refuseForm({ form, rowWeights, heads = 'closed_form', mode = 'pooled' }: LstmEstimatorOptions): void {
  const asked = form === 'conditional' ? 'form is conditional' : rowWeights === 'calm' ? 'row weights are calm' : '';
  if (!asked) return;
  if (mode !== 'pooled') throw new ArgumentError(`${asked} and mode is ${mode}`, 'leave `mode` out');
  if (heads !== 'closed_form') throw new ArgumentError(`${asked} and heads are ${heads}`, 'leave `heads` out');
  if (form === 'conditional' && rowWeights === 'calm') {
    throw new ArgumentError('conditional betas weigh rows by calm as it is', 'leave `rowWeights` out');
  }
}

async function fitLstm(panel: Panel, span: Span, fit: FitOptions, options: LstmEstimatorOptions): Promise<Fitted> {
  refuseForm(options);
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
  const { parameters, facts, result } = await trainerOf(options)(job, fit, options);
  const known = { status: assetStatus(scaler.count), observations: scaler.count };
  const make = (pValues: Float64Array) => {
    const diagnostics: Diagnostics = { ...known, pValues, facts };
    const path = result && walkPath(result, panel.inputs, span, returns);
    const still = result && standingParameters(parameters as LstmParameters, result);
    const standing = still && new LstmFitted(still, diagnostics, threadsOf(options));
    const top = fittedOf(parameters, diagnostics, options, path, standing);
    return bases.length === 0 ? top : new FittedWithBase(bases, top, diagnostics);
  };
  const pValues = await averagePValues(make(new Float64Array(0)), panel, span);
  return make(pValues);
}

/** What every way of training is given. */
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
  readonly parameters: LstmParameters | PerAssetLstmParameters;
  readonly facts: Readonly<Record<string, number>>;
  /** Of heads in closed form. */
  readonly result?: ClosedFormFit;
}

async function trainClosedForm(
  { inputs, returns, rule, scaler, lookbacks, trainRows }: TrainingJob,
  { seed, signal, onProgress }: FitOptions,
  options: LstmEstimatorOptions,
): Promise<TrainedLstm> {
  const assets = scaler.mean.length;
  const conditional = options.form === 'conditional';
  const data = conditional ? weightedRows(inputs, returns, assets) : { inputs, returns };
  const starts = conditional ? STARTS : [1];
  const common = { ...settings(options), lookbacks, trainRows, noisyColumns: rule.windowColumns.length, seed };
  const stop = signal && { signal };
  const calm = options.rowWeights === 'calm' && {
    rowRoots: calmWeights(await pilotResiduals(inputs, returns, assets, { ...common, ...stop }), assets),
  };
  const train = (startScale: number, place: number) =>
    closedFormFit(data.inputs, data.returns, assets, {
      ...common,
      ...calm,
      ...stop,
      walk: options.heads === 'kalman',
      conditional,
      startScale,
      ...(onProgress && {
        onProgress: (fraction) => onProgress((place + fraction) / starts.length, 'training the LSTM'),
      }),
    });
  let result = await train(starts[0], 0);
  for (const [i, start] of starts.slice(1).entries()) {
    const other = await train(start, i + 1);
    if (Math.min(...other.validationErrors) < Math.min(...result.validationErrors)) result = other;
  }
  const facts = {
    ...validationFacts(result.lookback, lookbacks, result.validationErrors),
    mixed_cells: result.mixed ? 1 : 0,
    training_steps: Math.max(...result.members.map((member) => member.steps)),
    dropped_observations: result.droppedObservations,
    ...walkFacts(result),
  };
  // Weighted rows tell coefficients, not levels: the training mean is the level.
  const levels = conditional ? new Float64Array(assets) : result.offsets;
  return { parameters: parametersOf({ ...result, offsets: levels }, rule, scaler, seed), facts, result };
}

/** Rows of calm count as much as those of a crisis; the window stays as it is. */
function weightedRows(inputs: ClosedFormInputs, returns: Float64Array, assets: number) {
  const weights = calmWeights(returns, assets);
  return { inputs: { ...inputs, factors: weightRows(inputs.factors, weights) }, returns: weightRows(returns, weights) };
}

/**
 * Where the prior of conditional betas starts: as levels do, and so small that betas move where the data insist. The one that
 * explains left-out rows better is taken.
 */
const STARTS: readonly number[] = [1, 0.05];
const LEARNED_HIDDEN = 16;
/** A single asset's few hundred returns tell less: as many as pooled encoders have. */
const PER_ASSET_HIDDEN = 8;
const DEFAULT_MEMBERS = 5;

async function trainLearned(job: TrainingJob, fit: FitOptions, options: LstmEstimatorOptions): Promise<TrainedLstm> {
  if (options.cell === 'mixed') throw new ArgumentError('cell is mixed and heads are learned', 'leave `cell` out');
  const { inputs, returns, rule, scaler, lookbacks } = job;
  const settings = memberSettings(job, fit, options, LEARNED_HIDDEN, 'training the LSTM and its heads');
  const { offsets, ...result } = await learnedFit(inputs, returns, scaler.mean.length, settings);
  const parameters: LstmParameters = {
    method: 'lstm',
    ...rule,
    ...returnScale(scaler, offsets),
    assetGroup: Int32Array.from(scaler.count, (count) => (isFitted(count) ? 0 : -1)),
    members: result.members,
  };
  return { parameters, facts: validationFacts(result.lookback, lookbacks, result.validationErrors) };
}

async function trainPerAsset(job: TrainingJob, fit: FitOptions, options: LstmEstimatorOptions): Promise<TrainedLstm> {
  const { inputs, returns, rule, scaler, lookbacks } = job;
  if (options.cell === 'mixed') throw new ArgumentError('cell is mixed and mode is per_asset', 'leave `cell` out');
  if (options.heads === 'kalman') {
    throw new ArgumentError('heads are kalman and mode is per_asset', 'leave `heads` out, or take the mode pooled');
  }
  const settings = memberSettings(job, fit, options, PER_ASSET_HIDDEN, 'training a network for every asset');
  const { offsets, members, lookback, validationErrors } = await perAssetFit(
    inputs,
    returns,
    scaler.mean.length,
    settings,
  );
  const parameters: PerAssetLstmParameters = {
    method: 'lstm',
    mode: 'per_asset',
    ...rule,
    ...returnScale(scaler, offsets),
    lookback,
    hiddenSize: settings.hiddenSize,
    inputSize: inputs.windowSize,
    members,
  };
  return { parameters, facts: validationFacts(lookback, lookbacks, validationErrors) };
}

function trainerOf({ mode, heads }: LstmEstimatorOptions) {
  if (mode === 'per_asset') return trainPerAsset;
  return heads === 'learned' ? trainLearned : trainClosedForm;
}

/** What members that are trained by gradient steps alone are told. */
function memberSettings(
  { lookbacks }: TrainingJob,
  { seed, signal, onProgress }: FitOptions,
  { hiddenSize, members = DEFAULT_MEMBERS, steps, threads }: LstmEstimatorOptions,
  usualSize: number,
  what: string,
): LearnedOptions {
  return {
    hiddenSize: hiddenSize ?? usualSize,
    members,
    lookbacks,
    seed,
    ...(steps !== undefined && { epochs: steps }),
    ...(threads !== undefined && { threads }),
    ...(signal && { signal }),
    ...(onProgress && { onProgress: (fraction: number) => onProgress(fraction, what) }),
  };
}

/** Return of every asset at the mean features, and its SD; NaN where it is not fitted. */
function returnScale({ mean, sd, count }: Scaler, offsets: Float64Array) {
  return {
    returnMean: mean.map((own, i) => (isFitted(count[i]) ? own + sd[i] * offsets[i] : Number.NaN)),
    returnSd: sd.map((own, i) => (isFitted(count[i]) ? own : Number.NaN)),
  };
}

function isFitted(observations: number): boolean {
  return observations >= MIN_ASSET_OBSERVATIONS;
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

/** The windows to compare, shortest first. */
function lookbacksOf(lookback: 'auto' | number | readonly number[], span: Span): readonly number[] {
  const wanted = lookback === 'auto' ? AUTO_LOOKBACKS : [lookback].flat();
  const wrong = wanted.find((length) => !Number.isInteger(length) || length < 1);
  if (wanted.length === 0 || wrong !== undefined) {
    const given = wrong === undefined ? 'an empty list' : `${wrong}`;
    throw new ArgumentError(`lookback is ${given}`, 'give integers of at least 1, or auto');
  }
  const lengths = [...new Set(wanted)].sort((a, b) => a - b);
  return lengths.filter((length, place) => place === 0 || 2 * length <= span.end - span.start);
}

/** [row][asset] of the span; NaN throughout for an asset with too few returns to learn from: it is not fitted. */
function standardisedReturns(panel: Panel, span: Span, scaler: Scaler): Float64Array {
  const assets = panel.assets.length;
  const out = panel.returns.slice(span.start * assets, span.end * assets);
  for (let i = 0; i < out.length; i++) {
    const asset = i % assets;
    out[i] = isFitted(scaler.count[asset]) ? (out[i] - scaler.mean[asset]) / scaler.sd[asset] : Number.NaN;
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

/** The same encoder with heads that stand still, where heads walk. */
function standingParameters(parameters: LstmParameters, result: ClosedFormFit): LstmParameters | undefined {
  const { standingGroup } = result;
  if (!standingGroup) return undefined;
  const members = parameters.members.map((member, i) => ({ ...member, ...result.members[i].standing }));
  return { ...parameters, assetGroup: standingGroup, members };
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
