import {
  averagingTerm,
  type FactorPanel,
  type Fitted,
  indexesOfRole,
  type JacobianBlock,
  type MethodId,
} from '@macrograd/core';
import type { Choice } from './choice.js';

/** What serves an asset in a fit: a line of `chosen.parquet`. */
export type AssetShare = Pick<Choice, 'asset' | 'method' | 'weight'>;

/** Weights of every method that serves some asset, [asset], in the order in which they first do. */
export function weightsByMethod(shares: readonly AssetShare[], assets: number): Map<MethodId, Float64Array> {
  const weights = new Map<MethodId, Float64Array>();
  for (const { asset, method, weight } of shares) {
    if (!(weight > 0)) continue;
    const own = weights.get(method) ?? new Float64Array(assets);
    own[asset] += weight;
    weights.set(method, own);
  }
  return weights;
}

/** One method of a mix as it predicts and differentiates. */
export interface MixSource {
  readonly reference: Pick<Fitted, 'predict' | 'jacobian'>;
  /** [asset]; 0 = the method does not serve the asset. */
  readonly weights: Float64Array;
  /** [factor]: what turns its exposures into the unit of the mix; default 1. */
  readonly units?: Float64Array;
}

/**
 * The mix as it predicts and differentiates: weighted sums over methods, with the standard errors of model averaging
 * (`averagingTerm` of `@macrograd/core`); one method alone keeps its own.
 */
export function mixReference(sources: readonly MixSource[]): MixSource['reference'] {
  return {
    predict: async (inputs, span, assets) => {
      const results = await Promise.all(sources.map(({ reference }) => reference.predict(inputs, span, assets)));
      const { start, end } = results[0].assets;
      const values = results[0].values.map((_, i) => {
        let sum = 0;
        sources.forEach(({ weights }, m) => {
          const weight = weights[start + (i % (end - start))];
          if (weight > 0) sum += weight * results[m].values[i];
        });
        return sum;
      });
      return { ...results[0], values };
    },
    jacobian: async function* (inputs, span, options) {
      const [first, ...others] = sources;
      for await (const block of first.reference.jacobian(inputs, span, options)) {
        const within = { ...options, assets: block.assets };
        const wholes = [block];
        for (const { reference } of others) {
          wholes.push(await gathered(reference.jacobian(inputs, span, within), block));
        }
        yield mixed(sources, wholes, inputs);
      }
    },
  };
}

/** All parts as one block of the assets of `like`. */
async function gathered(parts: AsyncIterable<JacobianBlock>, like: JacobianBlock): Promise<JacobianBlock> {
  let whole: JacobianBlock | undefined;
  const { assets } = like;
  for await (const part of parts) {
    if (part.assets.start === assets.start && part.assets.end === assets.end) return part;
    const width = part.dates * part.lags * part.factors;
    const size = (assets.end - assets.start) * width;
    whole ??= { ...part, assets, values: new Float64Array(size), variance: new Float64Array(size) };
    whole.values.set(part.values, (part.assets.start - assets.start) * width);
    whole.variance.set(part.variance, (part.assets.start - assets.start) * width);
  }
  if (whole === undefined) throw new RangeError('a Jacobian without blocks');
  return whole;
}

/** Lags that a method does not have are 0; NaN where the factor is missing at that lag. */
function mixed(sources: readonly MixSource[], wholes: readonly JacobianBlock[], inputs: FactorPanel): JacobianBlock {
  const longest = wholes.reduce((a, b) => (b.lags > a.lags ? b : a));
  const { lags, dates, factors, span, assets } = longest;
  const targets = indexesOfRole(inputs, 'factor');
  const values = new Float64Array(longest.values.length);
  const variance = new Float64Array(longest.values.length);
  for (let at = 0; at < values.length; at++) {
    const factor = at % factors;
    const lag = Math.floor(at / factors) % lags;
    const row = Math.floor(at / (factors * lags));
    const asset = assets.start + Math.floor(row / dates);
    const date = span.start + (row % dates) - lag;
    const missing = Number.isNaN(inputs.values[date * inputs.factors.length + targets[factor]]) ? Number.NaN : 0;
    const parts = sources.flatMap(({ weights, units }, m): MixPart[] => {
      const weight = weights[asset];
      if (!(weight > 0)) return [];
      if (lag >= wholes[m].lags) return [{ weight, value: 0, se: 0 }];
      const from = (row * wholes[m].lags + lag) * factors + factor;
      const unit = units?.[factor] ?? 1;
      return [{ weight, value: unit * wholes[m].values[from], se: unit * Math.sqrt(wholes[m].variance[from]) }];
    });
    const value = parts.reduce((sum, part) => sum + part.weight * part.value, missing);
    const se = parts.reduce((sum, part) => sum + averagingTerm(part.weight, part.value, part.se, value), missing);
    values[at] = value;
    variance[at] = se * se;
  }
  return { ...longest, values, variance };
}

/** What one method says of one exposure. */
interface MixPart {
  readonly weight: number;
  readonly value: number;
  readonly se: number;
}
