import {
  ArgumentError,
  type AssetRange,
  type FactorPanel,
  type JacobianBlock,
  type JacobianForm,
  MacrogradError,
  type Span,
} from '@macrograd/core';
import type { InferenceSession } from 'onnxruntime-node';
import { ASSETS_NAME } from './exposures.js';
import { INPUT_NAME } from './file.js';
import { type OnnxSource, withSession } from './session.js';
import { maxErrors, type OnnxParity } from './verify.js';
import { factorWindows } from './windows.js';

/** Numbers of one output an inference call: bounds the memory of large universes. */
const CALL_VALUES = 4_000_000;

/** Exposures of some assets at every row of a span, as an exported file gives them; flat, last index fastest. */
export interface OnnxExposures {
  readonly span: Span;
  readonly assets: AssetRange;
  /** [date][asset][factor], or [date][asset][lag][factor] for `lags`; decimal return per training SD. */
  readonly values: Float64Array;
  /** Standard errors; absent where the method has none. */
  readonly se?: Float64Array;
}

/**
 * Runs an exported exposure file in ONNX Runtime (float32) over the rows of a span.
 *
 * @example
 * const { values } = await runExposures(bytes, panel.inputs, { start: 0, end: 12 }, { start: 0, end: 50 }, 'cumulative');
 */
export function runExposures(
  source: OnnxSource,
  inputs: FactorPanel,
  span: Span,
  assets: AssetRange,
  form: JacobianForm,
): Promise<OnnxExposures> {
  return withSession(source, async (session, lookback) => {
    const parts = await calls(session, inputs, span, assets, form, lookback);
    const joined = (name: string) => {
      const found = parts.map((part) => part[name]);
      return found.includes(undefined) ? undefined : concatenated(found as Float32Array[]);
    };
    const values = joined(form);
    if (values === undefined) throw new ArgumentError(`the file has no output "${form}"`, 'export it with that form');
    const se = joined(`${form}_se`);
    return { span, assets, values, ...(se && { se }) };
  });
}

/**
 * Compares an exported exposure file with blocks of the fit's own Jacobian of one form, values and standard errors.
 * Throws {@link MacrogradError} with code `verification_failed` when the largest error exceeds `tolerance` relative to
 * the largest value, or one side is missing where the other is not.
 *
 * @example
 * await verifyExposures(bytes, panel.inputs, fitted.jacobian(panel.inputs, span, { form: 'cumulative' }), 'cumulative', 1e-5);
 */
export async function verifyExposures(
  source: OnnxSource,
  inputs: FactorPanel,
  expected: AsyncIterable<JacobianBlock>,
  form: JacobianForm,
  tolerance: number,
): Promise<OnnxParity> {
  let worst: OnnxParity = { maxError: 0, maxRelativeError: 0, compared: 0 };
  for await (const block of expected) {
    const actual = await runExposures(source, inputs, block.span, block.assets, form);
    worst = larger(worst, maxErrors(actual.values, dateMajor(block, block.values)));
    const se = block.variance.map(Math.sqrt);
    if (actual.se) worst = larger(worst, maxErrors(actual.se, dateMajor(block, se)));
  }
  // Written so that NaN fails too.
  if (!(worst.maxRelativeError <= tolerance)) {
    throw new MacrogradError(
      'verification_failed',
      `the exported exposures (${form}) differ by ${worst.maxRelativeError.toExponential(2)} of the largest, allowed ${tolerance}`,
      { remedy: 'do not use the export; report this with the configuration' },
    );
  }
  return worst;
}

async function calls(
  session: InferenceSession,
  inputs: FactorPanel,
  span: Span,
  assets: AssetRange,
  form: JacobianForm,
  lookback: number,
): Promise<Record<string, Float32Array | undefined>[]> {
  const { Tensor } = await import('onnxruntime-node');
  const series = inputs.factors.length;
  const places = BigInt64Array.from({ length: assets.end - assets.start }, (_, i) => BigInt(assets.start + i));
  const selectable = session.inputNames.includes(ASSETS_NAME);
  const step = Math.max(1, Math.floor(CALL_VALUES / (places.length * series * lookback)));
  const parts: Record<string, Float32Array | undefined>[] = [];
  for (let start = span.start; start < span.end; start += step) {
    const rows = { start, end: Math.min(start + step, span.end) };
    const feeds = {
      [INPUT_NAME]: new Tensor('float32', factorWindows(inputs, rows, lookback), [rows.end - start, lookback, series]),
      ...(selectable && { [ASSETS_NAME]: new Tensor('int64', places, [places.length]) }),
    };
    const wanted = [form, `${form}_se`].filter((name) => session.outputNames.includes(name));
    const results = await session.run(feeds, wanted);
    const taken = (name: string) => {
      const { data, dims } = results[name];
      return selectable ? floats(data, name) : ofAssets(floats(data, name), dims, assets);
    };
    parts.push(Object.fromEntries(wanted.map((name) => [name, taken(name)])));
  }
  return parts;
}

/** Some assets of [date][asset][...]. */
function ofAssets(data: Float32Array, dims: readonly number[], { start, end }: AssetRange): Float32Array {
  const width = dims.slice(2).reduce((a, b) => a * b, 1);
  const out = new Float32Array(dims[0] * (end - start) * width);
  for (let date = 0; date < dims[0]; date++) {
    const from = date * dims[1] * width;
    out.set(data.subarray(from + start * width, from + end * width), date * (end - start) * width);
  }
  return out;
}

function floats(data: unknown, name: string): Float32Array {
  if (!(data instanceof Float32Array)) throw new ArgumentError(`output "${name}" is not float32`);
  return data;
}

function concatenated(parts: readonly Float32Array[]): Float64Array {
  const out = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** [asset][date][lag][factor] -> [date][asset][lag][factor]. */
function dateMajor({ assets, dates, lags, factors }: JacobianBlock, values: Float64Array): Float64Array {
  const count = assets.end - assets.start;
  const width = lags * factors;
  const out = new Float64Array(values.length);
  for (let asset = 0; asset < count; asset++) {
    for (let date = 0; date < dates; date++) {
      const from = (asset * dates + date) * width;
      out.set(values.subarray(from, from + width), (date * count + asset) * width);
    }
  }
  return out;
}

function larger(a: OnnxParity, b: OnnxParity): OnnxParity {
  return {
    maxError: Math.max(a.maxError, b.maxError),
    maxRelativeError: Math.max(a.maxRelativeError, b.maxRelativeError),
    compared: a.compared + b.compared,
  };
}
