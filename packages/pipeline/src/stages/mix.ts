import { type FactorPanel, type Fitted, indexesOfRole, type JacobianBlock, type MethodId } from '@macrograd/core';
import type { MixParameters } from '@macrograd/onnx';
import type { ExportReference } from './onnx.js';

/** What serves an asset in a fit: a line of `chosen.parquet`. */
export interface AssetShare {
  readonly asset: number;
  readonly method: MethodId;
  readonly weight: number;
}

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
  readonly reference: ExportReference;
  /** [asset]. */
  readonly weights: Float64Array;
}

/** The mix of fits of one panel, as it is exported. */
export function mixParameters(fits: ReadonlyMap<MethodId, Fitted>, weights: ReadonlyMap<MethodId, Float64Array>) {
  const parts = [...weights].map(([method, own]) => ({ parameters: fits.get(method)!.parameters(), weights: own }));
  return { method: 'chosen', parts } satisfies MixParameters;
}

/**
 * The mix as it predicts and differentiates: weighted sums over methods. Standard errors add up weighted, as if they
 * were perfectly correlated; with one method an asset they are its own.
 */
export function mixReference(sources: readonly MixSource[]): ExportReference {
  return {
    predict: async (inputs, span) => {
      const results = await Promise.all(sources.map(({ reference }) => reference.predict(inputs, span)));
      const values = results[0].values.map((_, i) => {
        let sum = 0;
        sources.forEach(({ weights }, m) => {
          const weight = weights[i % weights.length];
          if (weight > 0) sum += weight * results[m].values[i];
        });
        return sum;
      });
      return { ...results[0], values };
    },
    jacobian: async function* (inputs, span, options) {
      const wholes: JacobianBlock[] = [];
      for (const { reference, weights } of sources) {
        wholes.push(await wholeJacobian(reference.jacobian(inputs, span, options), weights.length));
      }
      yield mixed(sources, wholes, inputs);
    },
  };
}

/** All blocks as one of all assets. */
async function wholeJacobian(blocks: AsyncIterable<JacobianBlock>, assets: number): Promise<JacobianBlock> {
  let whole: JacobianBlock | undefined;
  for await (const block of blocks) {
    const width = block.dates * block.lags * block.factors;
    const size = assets * width;
    whole ??= {
      ...block,
      assets: { start: 0, end: assets },
      values: new Float64Array(size),
      variance: new Float64Array(size),
    };
    whole.values.set(block.values, block.assets.start * width);
    whole.variance.set(block.variance, block.assets.start * width);
  }
  if (whole === undefined) throw new RangeError('a Jacobian without blocks');
  return whole;
}

/** Lags that a method does not have are 0; NaN where the factor is missing at that lag. */
function mixed(sources: readonly MixSource[], wholes: readonly JacobianBlock[], inputs: FactorPanel): JacobianBlock {
  const longest = wholes.reduce((a, b) => (b.lags > a.lags ? b : a));
  const { lags, dates, factors, span } = longest;
  const targets = indexesOfRole(inputs, 'factor');
  const values = new Float64Array(longest.values.length);
  const variance = new Float64Array(longest.values.length);
  for (let at = 0; at < values.length; at++) {
    const factor = at % factors;
    const lag = Math.floor(at / factors) % lags;
    const row = Math.floor(at / (factors * lags));
    const date = span.start + (row % dates) - lag;
    const missing = Number.isNaN(inputs.values[date * inputs.factors.length + targets[factor]]) ? Number.NaN : 0;
    let [exposure, se] = [missing, missing];
    sources.forEach(({ weights }, m) => {
      const weight = weights[Math.floor(row / dates)];
      if (!(weight > 0) || lag >= wholes[m].lags) return;
      const from = (row * wholes[m].lags + lag) * factors + factor;
      exposure += weight * wholes[m].values[from];
      se += weight * Math.sqrt(wholes[m].variance[from]);
    });
    values[at] = exposure;
    variance[at] = se * se;
  }
  return { ...longest, values, variance };
}
