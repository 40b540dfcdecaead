import type {
  AssetRange,
  Diagnostics,
  Estimator,
  FactorPanel,
  FitOptions,
  Fitted,
  JacobianBlock,
  JacobianOptions,
  LstmParameters,
  Panel,
  PerAssetLstmParameters,
  ReturnMatrix,
  Span,
} from '@macrograd/core';

/** An LSTM without bases. */
export interface TopFitted extends Fitted {
  parameters(): LstmParameters | PerAssetLstmParameters;
}

/** Fits each base on what those before it leave; returns them and the panel of what they all leave. */
export async function fitBases(
  bases: readonly Estimator[],
  panel: Panel,
  span: Span,
  options: FitOptions,
): Promise<{ fitted: Fitted[]; residual: Panel }> {
  const { base: _, onProgress: __, ...own } = options;
  const fitted: Fitted[] = [];
  let residual = panel;
  for (const base of bases) {
    const one = await base.fit(residual, span, own);
    const { values } = await one.predict(panel.inputs, span);
    const returns = residual.returns.slice();
    const start = span.start * panel.assets.length;
    for (let i = 0; i < values.length; i++) returns[start + i] -= values[i];
    residual = { ...residual, returns };
    fitted.push(one);
  }
  return { fitted, residual };
}

/** The LSTM on top of its bases: predictions and exposures are sums. `parameters` are the LSTM's alone. */
export class FittedWithBase implements Fitted {
  readonly method = 'lstm';

  constructor(
    private readonly bases: readonly Fitted[],
    private readonly top: TopFitted,
    readonly diagnostics: Diagnostics,
  ) {}

  /** Of linear bases the last coefficients hold after the training span: they are known. */
  get knownAhead(): boolean {
    return this.top.knownAhead ?? false;
  }

  parameters(): LstmParameters | PerAssetLstmParameters {
    return this.top.parameters();
  }

  async predict(inputs: FactorPanel, span: Span, assets?: AssetRange): Promise<ReturnMatrix> {
    const sum = await this.top.predict(inputs, span, assets);
    for (const base of this.bases) {
      const { values } = await base.predict(inputs, span, sum.assets);
      for (let i = 0; i < values.length; i++) sum.values[i] += values[i];
    }
    return sum;
  }

  async *jacobian(inputs: FactorPanel, span: Span, options: JacobianOptions = {}): AsyncIterable<JacobianBlock> {
    for await (const block of this.top.jacobian(inputs, span, options)) {
      let sum = block;
      for (const base of this.bases) {
        for await (const part of base.jacobian(inputs, span, { ...options, assets: block.assets })) {
          sum = addBlock(sum, part);
        }
      }
      yield sum;
    }
  }
}

/** Adds a block that covers some of the assets of `sum`, and maybe fewer or more lags. Variances add: fits are apart. */
function addBlock(sum: JacobianBlock, part: JacobianBlock): JacobianBlock {
  return joinBlock(sum, part, (a, b) => a + b);
}

/** {@link addBlock} where the variance of a sum is `join` of the two variances. */
export function joinBlock(
  sum: JacobianBlock,
  part: JacobianBlock,
  join: (own: number, other: number) => number,
): JacobianBlock {
  const out = part.lags > sum.lags ? padLags(sum, part.lags) : sum;
  const { dates, factors } = out;
  for (let asset = part.assets.start; asset < part.assets.end; asset++) {
    for (let date = 0; date < dates; date++) {
      const to = ((asset - out.assets.start) * dates + date) * out.lags * factors;
      const from = ((asset - part.assets.start) * dates + date) * part.lags * factors;
      for (let i = 0; i < part.lags * factors; i++) {
        out.values[to + i] += part.values[from + i];
        out.variance[to + i] = join(out.variance[to + i], part.variance[from + i]);
      }
    }
  }
  return out;
}

function padLags(block: JacobianBlock, lags: number): JacobianBlock {
  const size = block.lags * block.factors;
  const pad = (values: Float64Array) => {
    const out = new Float64Array((values.length / size) * lags * block.factors);
    for (let i = 0; i < values.length / size; i++) {
      out.set(values.subarray(i * size, (i + 1) * size), i * lags * block.factors);
    }
    return out;
  };
  return { ...block, lags, values: pad(block.values), variance: pad(block.variance) };
}
