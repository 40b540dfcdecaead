import { join } from 'node:path';
import { type Fitted, formatIsoDate, type MethodId, type ModelInfo, type Panel } from '@macrograd/core';
import { writeModel } from '@macrograd/store';

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
