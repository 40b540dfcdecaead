import { ArgumentError, type FactorPanel, MacrogradError, type ReturnMatrix, type Span } from '@macrograd/core';
import { OUTPUT_NAME } from './export.js';
import { INPUT_NAME } from './file.js';
import { type OnnxSource, withSession } from './session.js';
import { factorWindows } from './windows.js';

// Windows an inference call; bounds the memory of long panels.
const BATCH = 1024;

/** How far an exported model is from the one it was made of. */
export interface OnnxParity {
  /** Largest absolute difference, decimal return. */
  readonly maxError: number;
  /** `maxError` over the largest absolute expected return. */
  readonly maxRelativeError: number;
  /** Returns compared. */
  readonly compared: number;
}

/**
 * Runs an exported model in ONNX Runtime over the dates of `expected` and compares. `inputs` are raw factors in their
 * own units; `tolerance` bounds the largest error relative to the largest value. Throws {@link MacrogradError} with
 * code `verification_failed` when it is exceeded, or when one side is missing where the other is not.
 *
 * @example
 * await verifyOnnx(bytes, panel.inputs, await fitted.predict(panel.inputs, span), 1e-5);
 */
export async function verifyOnnx(
  source: OnnxSource,
  inputs: FactorPanel,
  expected: ReturnMatrix,
  tolerance: number,
): Promise<OnnxParity> {
  const parity = compare(await runOnnx(source, inputs, expected.span), expected);
  // Written so that NaN fails too.
  if (!(parity.maxRelativeError <= tolerance)) {
    throw new MacrogradError(
      'verification_failed',
      `the exported ONNX model differs by ${parity.maxRelativeError.toExponential(2)} of the largest return, allowed ${tolerance}`,
      { remedy: 'do not use the export; report this with the configuration' },
    );
  }
  return parity;
}

/** Returns of every asset for every row of the span, from an exported model in ONNX Runtime (float32). */
export function runOnnx(source: OnnxSource, inputs: FactorPanel, span: Span): Promise<ReturnMatrix> {
  return withSession(source, async (session, time) => {
    const { Tensor } = await import('onnxruntime-node');
    const dates = span.end - span.start;
    let values = new Float64Array(0);
    for (let first = 0; first < dates; first += BATCH) {
      const rows = { start: span.start + first, end: Math.min(span.start + first + BATCH, span.end) };
      const windows = factorWindows(inputs, rows, time);
      const feed = new Tensor('float32', windows, [rows.end - rows.start, time, inputs.factors.length]);
      const { data, dims } = (await session.run({ [INPUT_NAME]: feed }))[OUTPUT_NAME];
      if (!(data instanceof Float32Array)) throw new ArgumentError(`output "${OUTPUT_NAME}" is not float32`);
      if (first === 0) values = new Float64Array(dates * dims[1]);
      values.set(data, first * dims[1]);
    }
    return { span, assets: { start: 0, end: values.length / Math.max(dates, 1) }, values };
  });
}

function compare(actual: ReturnMatrix, { assets, values }: ReturnMatrix): OnnxParity {
  const block = assets.end - assets.start;
  const own = values.map(
    (_, i) => actual.values[Math.floor(i / block) * actual.assets.end + assets.start + (i % block)],
  );
  return maxErrors(own, values);
}

/** Largest difference of two arrays; NaN on both sides is agreement, on one side an infinite error. */
export function maxErrors(actual: Float64Array, expected: Float64Array): OnnxParity {
  if (actual.length !== expected.length) {
    throw new ArgumentError(`${actual.length} values to compare with ${expected.length}`, 'compare the same outputs');
  }
  let maxError = 0;
  let maxValue = 0;
  let compared = 0;
  expected.forEach((value, i) => {
    const other = actual[i];
    if (Number.isNaN(value) && Number.isNaN(other)) return;
    // NaN on one side alone must not be lost in a maximum.
    const error = Math.abs(value - other);
    maxError = Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(maxError, error);
    if (Number.isFinite(value)) maxValue = Math.max(maxValue, Math.abs(value));
    compared++;
  });
  return { maxError, maxRelativeError: maxError === 0 ? 0 : maxError / maxValue, compared };
}
