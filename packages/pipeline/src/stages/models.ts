import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type FactorPanel,
  type Fitted,
  formatIsoDate,
  type MethodId,
  type ModelInfo,
  type Panel,
  type Span,
} from '@macrograd/core';
import { modelToOnnx, type OnnxParity, verifyOnnx } from '@macrograd/onnx';
import { writeModel } from '@macrograd/store';

/** Largest error of the exported model in ONNX Runtime (float32) relative to the largest predicted return. */
export const ONNX_TOLERANCE = 1e-5;

/** The method that `onnx/model.onnx` holds: the LSTM where there is one, else the first of the others. */
export function exportedMethod(methods: readonly MethodId[]): MethodId {
  return exportOrder.find((method) => methods.includes(method)) ?? methods[0];
}

const exportOrder: readonly MethodId[] = ['lstm', 'ols', 'ewm_ols', 'rolling_ols', 'zero'];

/** What the fits on the whole span were made on, for readers of the models. */
export function modelInfo(panel: Panel, version: string, configHash: string): ModelInfo {
  const { dates, frequency } = panel.axis;
  return {
    assets: panel.assets.map(({ name }) => name),
    factors: panel.inputs.factors,
    frequency,
    horizon: panel.horizon,
    trainingSpan: { start: formatIsoDate(dates[0]), end: formatIsoDate(dates[dates.length - 1]) },
    version,
    configHash,
  };
}

/** Writes the fits on the whole span under `<dir>/models/<method>`. */
export function writeModels(dir: string, finals: ReadonlyMap<MethodId, Fitted>, info: ModelInfo): void {
  for (const [method, fitted] of finals) {
    writeModel(join(dir, 'models', method), { info, parameters: fitted.parameters() });
  }
}

/** Writes `<dir>/onnx/model.onnx` and compares it with the fit over the windows that it stands for. */
export async function writeOnnx(dir: string, fitted: Fitted, info: ModelInfo, panel: Panel): Promise<OnnxParity> {
  const bytes = modelToOnnx(fitted.parameters(), info);
  mkdirSync(join(dir, 'onnx'), { recursive: true });
  writeFileSync(join(dir, 'onnx', 'model.onnx'), bytes);
  const { inputs, span } = verifiable(fitted.method, panel);
  return verifyOnnx(bytes, inputs, await fitted.predict(inputs, span), ONNX_TOLERANCE);
}

/**
 * Windows that the exported model must get right: all of them for the LSTM. A linear export holds the coefficients as
 * of the last training row and has no answer where a series is missing: it is compared on complete rows, moved to the
 * end of the training span.
 */
function verifiable(method: MethodId, panel: Panel): { inputs: FactorPanel; span: Span } {
  const rows = panel.axis.dates.length;
  if (method === 'lstm') return { inputs: panel.inputs, span: { start: 0, end: rows } };
  const { inputs } = panel;
  const k = inputs.factors.length;
  const complete = Array.from(panel.axis.dates.keys()).filter((row) =>
    inputs.values.subarray(row * k, (row + 1) * k).every((value) => !Number.isNaN(value)),
  );
  const last = panel.axis.dates[rows - 1];
  return {
    inputs: {
      ...inputs,
      axis: { ...inputs.axis, dates: Int32Array.from(complete, (_, i) => last + i) },
      values: Float64Array.from(complete.flatMap((row) => Array.from(inputs.values.subarray(row * k, (row + 1) * k)))),
    },
    span: { start: 0, end: complete.length },
  };
}
