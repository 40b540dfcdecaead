import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type FactorPanel,
  type Fitted,
  formatIsoDate,
  type MethodId,
  type ModelInfo,
  type Panel,
  type ReturnMatrix,
} from '@macrograd/core';
import { modelToOnnx, type OnnxParity, verifyOnnx } from '@macrograd/onnx';
import { type StoredModel, writeModel } from '@macrograd/store';

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

/** Writes `<dir>/onnx/model.onnx` and compares it with returns that the model itself expects. */
export async function writeOnnx(
  dir: string,
  { info, parameters }: StoredModel,
  inputs: FactorPanel,
  expected: ReturnMatrix,
): Promise<OnnxParity> {
  const bytes = modelToOnnx(parameters, info);
  mkdirSync(join(dir, 'onnx'), { recursive: true });
  writeFileSync(join(dir, 'onnx', 'model.onnx'), bytes);
  return verifyOnnx(bytes, inputs, expected, ONNX_TOLERANCE);
}

/** As {@link writeOnnx}, with the returns that the fit expects over all windows of the panel. */
export async function writeFittedOnnx(dir: string, fitted: Fitted, info: ModelInfo, panel: Panel): Promise<OnnxParity> {
  const inputs = afterTraining(panel.inputs);
  const expected = await fitted.predict(inputs, { start: 0, end: inputs.axis.dates.length });
  return writeOnnx(dir, { info, parameters: fitted.parameters() }, inputs, expected);
}

/**
 * The same inputs at dates after the training span: an export holds the parameters as of the last training row, while
 * a method whose coefficients move reads earlier dates with earlier ones.
 */
function afterTraining(inputs: FactorPanel): FactorPanel {
  const { dates, frequency } = inputs.axis;
  const shift = dates[dates.length - 1] + 1 - dates[0];
  return { ...inputs, axis: { frequency, dates: dates.map((date) => date + shift) } };
}
