import {
  type AssetRange,
  CancelledError,
  type Diagnostics,
  type FactorPanel,
  type Fitted,
  type JacobianBlock,
  type JacobianOptions,
  lstmOfAsset,
  type PerAssetLstmParameters,
  type ReturnMatrix,
  type Span,
} from '@macrograd/core';
import type { RunOptions } from '@macrograd/kernel';
import { concurrently } from './concurrently.js';
import { LstmFitted } from './fitted.js';

/** Assets of one block of exposures, at most. */
const BLOCK_ASSETS = 64;

/** Networks of every asset as plain parameters that predict and differentiate, asset by asset. */
export class PerAssetFitted implements Fitted {
  readonly method = 'lstm';
  private readonly networks: readonly LstmFitted[];

  constructor(
    private readonly fittedParameters: PerAssetLstmParameters,
    readonly diagnostics: Diagnostics,
    private readonly run: Pick<RunOptions, 'threads'>,
  ) {
    this.networks = Array.from(fittedParameters.returnMean, (_, asset) => {
      return new LstmFitted(lstmOfAsset(fittedParameters, asset), diagnostics, { threads: 1 });
    });
  }

  parameters(): PerAssetLstmParameters {
    return this.fittedParameters;
  }

  async predict(inputs: FactorPanel, span: Span, assets: AssetRange = this.all()): Promise<ReturnMatrix> {
    const columns = await this.each(assets, (network) => network.predict(inputs, span));
    const width = columns.length;
    const values = new Float64Array((span.end - span.start) * width);
    columns.forEach(({ values: own }, column) => {
      own.forEach((value, row) => {
        values[row * width + column] = value;
      });
    });
    return { span, assets, values };
  }

  async *jacobian(inputs: FactorPanel, span: Span, options: JacobianOptions = {}): AsyncIterable<JacobianBlock> {
    const { assets = this.all(), ...own } = options;
    for (let start = assets.start; start < assets.end; start += BLOCK_ASSETS) {
      if (options.signal?.aborted) throw new CancelledError('reading exposures');
      const range = { start, end: Math.min(assets.end, start + BLOCK_ASSETS) };
      const blocks = await this.each(range, (network) => onlyBlock(network.jacobian(inputs, span, own)));
      yield {
        ...blocks[0],
        assets: range,
        values: joined(blocks.map(({ values }) => values)),
        variance: joined(blocks.map(({ variance }) => variance)),
      };
    }
  }

  private each<R>({ start, end }: AssetRange, work: (network: LstmFitted) => Promise<R>): Promise<R[]> {
    return concurrently(this.networks.slice(start, end), this.run.threads, () => {}, work);
  }

  private all(): AssetRange {
    return { start: 0, end: this.networks.length };
  }
}

/** One asset is never more than one block. */
async function onlyBlock(blocks: AsyncIterable<JacobianBlock>): Promise<JacobianBlock> {
  for await (const block of blocks) return block;
  throw new RangeError('a Jacobian without blocks');
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const width = parts[0].length;
  const out = new Float64Array(parts.length * width);
  parts.forEach((part, i) => {
    out.set(part, i * width);
  });
  return out;
}
