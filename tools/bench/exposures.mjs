/**
 * Processor time of cumulative exposures with standard errors from exposures.onnx in ONNX Runtime beside the kernel's, one
 * thread each: `node tools/bench/exposures.mjs`. Three members, hidden size 16, lookback 36, 8 factors, 200 assets, 512 dates.
 * The first line also says how far the two are apart.
 */
import { monthEndOfIndex, Random } from '@macrograd/core';
import { fromParameters } from '@macrograd/model';
import { exposuresToOnnx, factorWindows, verifyExposures } from '@macrograd/onnx';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { cpuSeconds, medianSeconds } from './median.mjs';

const [MEMBERS, HIDDEN, LOOKBACK, FACTORS, ASSETS, DATES, FILTERS, LAGS] = [3, 16, 36, 8, 200, 512, 3, 13];
const REPEATS = 7;
const FEATURES = FACTORS + HIDDEN + FILTERS;

const random = new Random(1);
const draw = (length, sd) => Float64Array.from({ length }, () => sd * random.normal());

function identityTimes(size, value) {
  return Float64Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? value : 0));
}

const member = () => ({
  lookback: LOOKBACK,
  hiddenSize: HIDDEN,
  inputSize: FACTORS,
  weightIh: Float32Array.from(draw(4 * HIDDEN * FACTORS, 0.5)),
  weightHh: Float32Array.from(draw(4 * HIDDEN * HIDDEN, 0.2)),
  bias: Float32Array.from(draw(4 * HIDDEN, 0.5)),
  lagFilters: draw(LAGS * FACTORS * FILTERS, 0.1),
  lagCount: LAGS,
  filterCount: FILTERS,
  featureMean: new Float64Array(FEATURES),
  heads: draw(ASSETS * FEATURES, 0.3),
  headCovariance: identityTimes(FEATURES, 0.01),
  seed: 1,
});

const columns = Array.from({ length: FACTORS }, (_, j) => j);
const parameters = {
  method: 'lstm',
  scaler: { mean: draw(FACTORS, 1), sd: new Float64Array(FACTORS).fill(2), count: new Int32Array(FACTORS).fill(DATES) },
  columns,
  windowColumns: columns,
  flagged: [],
  returnMean: draw(ASSETS, 0.01),
  returnSd: new Float64Array(ASSETS).fill(0.05),
  assetGroup: new Int32Array(ASSETS),
  members: Array.from({ length: MEMBERS }, member),
};
const factors = columns.map((j) => ({
  name: `F${j}`,
  role: 'factor',
  unit: 'pp',
  transform: 'diff',
  releaseLag: 0,
  source: 'drawn',
}));
const info = {
  assets: Array.from({ length: ASSETS }, (_, i) => `A${i}`),
  factors,
  frequency: 'M',
  horizon: 0,
  trainingSpan: { start: '1980-01-31', end: '2022-08-31' },
  version: '0.1.0',
  configHash: '',
};
const rows = DATES + LOOKBACK;
const inputs = {
  axis: { frequency: 'M', dates: Int32Array.from({ length: rows }, (_, row) => monthEndOfIndex(row)) },
  factors,
  values: draw(rows * FACTORS, 2),
};
const span = { start: LOOKBACK, end: rows };
const form = 'cumulative';

const fitted = fromParameters(parameters, { threads: 1 });
const bytes = exposuresToOnnx(parameters, info, { forms: [form] });
const { maxRelativeError } = await verifyExposures(bytes, inputs, fitted.jacobian(inputs, span, { form }), form, 1e-5);
console.log(`largest difference ${maxRelativeError.toExponential(1)} of the largest value`);

const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1, interOpNumThreads: 1 });
const feeds = {
  factors: new Tensor('float32', factorWindows(inputs, span, LOOKBACK), [DATES, LOOKBACK, FACTORS]),
  assets: new Tensor(
    'int64',
    BigInt64Array.from({ length: ASSETS }, (_, i) => BigInt(i)),
    [ASSETS],
  ),
};
const runtime = 1e3 * (await medianSeconds(() => session.run(feeds), REPEATS, cpuSeconds));
const readOut = async () => {
  for await (const block of fitted.jacobian(inputs, span, { form })) if (block.values.length === 0) throw new Error();
};
const kernel = 1e3 * (await medianSeconds(readOut, REPEATS, cpuSeconds));
console.log(
  `ONNX Runtime ${runtime.toFixed(1)} ms, kernel ${kernel.toFixed(1)} ms: ${(runtime / kernel).toFixed(1)} x`,
);
