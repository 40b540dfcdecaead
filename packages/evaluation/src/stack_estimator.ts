import {
  ArgumentError,
  type Diagnostics,
  type Estimator,
  type FitOptions,
  type Fitted,
  indexesOfRole,
  type MethodId,
  type Panel,
  type Span,
} from '@macrograd/core';
import { zeroEstimator } from '@macrograd/linear';
import { type Fold, walkForwardFolds } from './folds.js';
import { type FoldForecast, forecastReturns } from './forecast.js';
import { type MixSource, mixReference, weightsByMethod } from './mixed_fits.js';
import { type StackOptions, stackMethods } from './stack.js';

/** Options of {@link stackEstimator}. */
export interface StackEstimatorOptions extends StackOptions {
  /** One of a method; no exposure is a candidate whether named or not. */
  readonly estimators: readonly Estimator[];
  /** Rows of the first fold's training span; default four sevenths of the rows to learn from. */
  readonly initial?: number;
  /** Rows of a fold; default three fourteenths of them, which makes two folds. */
  readonly step?: number;
  /** Leading rows of the span that weights are learned from; the methods are fitted on all of it. Default the whole span. */
  readonly rows?: number;
}

/** Two folds, whose trial takes the middle: three fits before the last one, tested on the later 57 % of the rows. */
const INITIAL_SHARE = 4 / 7;
const STEP_SHARE = 3 / 14;

/**
 * What a run serves, as one estimator: methods stacked per asset ({@link stackMethods}) by what they forecast walk-forward
 * within the span, a trial first. Then those with weight are fitted on the whole span; predictions and exposures are their
 * weighted sums, standard errors those of model averaging. Named after the first of `estimators`; `parameters` are those of
 * the method with the most weight, whose training SDs are the exposures' units, an asset's status and tests those of its own
 * heaviest. Each method's mean weight is among the facts, `weight_ols` say.
 *
 * A method that can't say anything about an asset leaves its weight there to no exposure.
 *
 * @throws ArgumentError for no estimator or two of a method; InputError for a span too short for folds
 *
 * @example
 * const served = stackEstimator({ estimators: [olsEstimator(), splineEstimator(), lstmEstimator()] });
 */
export function stackEstimator(options: StackEstimatorOptions): Estimator {
  const { estimators } = options;
  const methods = estimators.map(({ method }) => method);
  if (methods.length === 0 || new Set(methods).size < methods.length) {
    throw new ArgumentError(
      `estimators are ${methods.join(', ') || 'none'}`,
      'give one or more, each of another method',
    );
  }
  const candidates = methods.includes('zero') ? estimators : [zeroEstimator(), ...estimators];
  return { method: methods[0], fit: (panel, span, fit) => fitStack(candidates, panel, span, fit, options) };
}

async function fitStack(
  estimators: readonly Estimator[],
  panel: Panel,
  span: Span,
  { onProgress, ...fit }: FitOptions,
  options: StackEstimatorOptions,
): Promise<Fitted> {
  const end = Math.min(span.end, span.start + (options.rows ?? span.end - span.start));
  const folds = foldsWithin({ start: span.start, end }, panel.horizon, options);
  const total = estimators.length * (folds.length + 1);
  let done = 0;
  const report = (what: string) => onProgress?.(done++ / total, what);
  const forecasts: FoldForecast[] = [];
  for (const estimator of estimators) {
    for (const fold of folds) {
      report(`stack: ${estimator.method} on ${fold.train.end - fold.train.start} rows`);
      forecasts.push(await forecastReturns(await estimator.fit(panel, fold.train, fit), panel, fold));
    }
  }
  const final = stackMethods(forecasts, options).filter((choice) => choice.fit === 'final');
  const weights = weightsByMethod(final, panel.assets.length);
  const fits = new Map<MethodId, Fitted>();
  for (const estimator of estimators) {
    if (!weights.has(estimator.method) && estimator.method !== 'zero') continue;
    report(`stack: ${estimator.method}`);
    fits.set(estimator.method, await estimator.fit(panel, span, fit));
  }
  await withoutTheSilent(fits, weights, panel, span);
  return new StackFitted(fits, weights, panel);
}

/** Trial and folds inside a span, in rows of the panel. */
function foldsWithin({ start, end }: Span, horizon: number, options: StackEstimatorOptions): Fold[] {
  const rows = end - start;
  const { initial = Math.round(INITIAL_SHARE * rows), step = Math.ceil(STEP_SHARE * rows) } = options;
  const { folds, trial } = walkForwardFolds(rows, { initial, step, horizon });
  const moved = (span: Span) => ({ start: span.start + start, end: span.end + start });
  return [...(trial ? [trial] : []), ...folds].map(({ index, train, test }) => ({
    index,
    train: moved(train),
    test: moved(test),
  }));
}

/** Weights of methods whose fit has no finite prediction for an asset go to `zero`. */
async function withoutTheSilent(
  fits: ReadonlyMap<MethodId, Fitted>,
  weights: Map<MethodId, Float64Array>,
  panel: Panel,
  span: Span,
): Promise<void> {
  const assets = panel.assets.length;
  const none = weights.get('zero') ?? new Float64Array(assets);
  for (const [method, own] of weights) {
    if (method === 'zero') continue;
    const { values } = await fits.get(method)!.predict(panel.inputs, span);
    for (let asset = 0; asset < assets; asset++) {
      if (own[asset] === 0 || values.some((value, at) => at % assets === asset && Number.isFinite(value))) continue;
      none[asset] += own[asset];
      own[asset] = 0;
    }
  }
  weights.set('zero', none);
}

class StackFitted implements Fitted {
  readonly method: MethodId;
  readonly diagnostics: Diagnostics;
  readonly predict: Fitted['predict'];
  readonly jacobian: Fitted['jacobian'];
  private readonly heaviest: Fitted;

  constructor(fits: ReadonlyMap<MethodId, Fitted>, weights: ReadonlyMap<MethodId, Float64Array>, panel: Panel) {
    const mean = (method: MethodId) => weights.get(method)!.reduce((sum, x) => sum + x, 0) / panel.assets.length;
    const used = [...weights.keys()].sort((a, b) => mean(b) - mean(a));
    this.heaviest = fits.get(used[0])!;
    this.method = this.heaviest.method;
    const sources = used.map((method): MixSource => {
      const reference = fits.get(method)!;
      return { reference, weights: weights.get(method)!, units: unitsOf(reference, this.heaviest, panel) };
    });
    const { predict, jacobian } = mixReference(sources);
    this.predict = predict;
    this.jacobian = jacobian;
    const facts = Object.fromEntries(used.map((method) => [`weight_${method}`, mean(method)]));
    this.diagnostics = diagnosticsOf(
      used.map((method) => fits.get(method)!.diagnostics),
      sources,
      facts,
    );
  }

  /** Of the method with the most weight. */
  parameters(): ReturnType<Fitted['parameters']> {
    return this.heaviest.parameters();
  }
}

/** [factor]: training SDs of `to` over those of `from`, which read other rows where one of them walks. */
function unitsOf(from: Fitted, to: Fitted, { inputs }: Panel): Float64Array {
  const [own, wanted] = [from, to].map((fitted) => fitted.parameters().scaler.sd);
  return Float64Array.from(indexesOfRole(inputs, 'factor'), (column) => wanted[column] / own[column]);
}

/** Of each asset's heaviest method. */
function diagnosticsOf(
  each: readonly Diagnostics[],
  sources: readonly MixSource[],
  facts: Diagnostics['facts'],
): Diagnostics {
  const [first] = each;
  const factors = first.pValues.length / first.status.length;
  const heaviest = first.status.map((_, asset) => {
    const weights = sources.map((source) => source.weights[asset]);
    return each[weights.indexOf(Math.max(...weights))];
  });
  return {
    status: heaviest.map(({ status }, asset) => status[asset]),
    observations: Int32Array.from(heaviest, ({ observations }, asset) => observations[asset]),
    pValues: first.pValues.map((_, at) => heaviest[Math.floor(at / factors)].pValues[at]),
    facts,
  };
}
