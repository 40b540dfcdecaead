import {
  ArgumentError,
  type EncoderParameters,
  type FactorPanel,
  type LstmParameters,
  type ModelInfo,
  type Span,
} from '@macrograd/core';
import {
  denseLayer,
  inputLayer,
  type LayerConfig,
  type LayersModelFiles,
  layersModel,
  lstmLayer,
  lstmWeights,
  type NamedWeight,
  transposed,
} from './layers-model.js';

/** Steps of the model's window: the longest that a member or a lag filter looks back. */
export function ensembleWindow({ members }: LstmParameters): number {
  return Math.max(...members.map(({ lookback, lagCount }) => Math.max(lookback, lagCount)));
}

/**
 * Writes a fitted ensemble as a layers model: windows [batch, step, input] -> returns [batch, asset] in decimals. The
 * inputs are the raw series of the window in their own units, then the flags "observed"; standardisation, ensemble mean
 * and heads are folded into the weights, limits on inputs are layers. Keras has no missing values: a missing one is to be filled with its training
 * mean and its flag set to 0, as {@link ensembleWindows} does.
 *
 * @throws ArgumentError when names and parameters differ in number
 * @example
 * const { modelJson, weights } = ensembleToLayersModel(parameters, info);
 */
export function ensembleToLayersModel(parameters: LstmParameters, info: ModelInfo): LayersModelFiles {
  const { windowColumns, flagged, members, returnMean } = parameters;
  if (returnMean.length !== info.assets.length || parameters.scaler.mean.length !== info.factors.length) {
    throw new ArgumentError('the names do not match the parameters in number', 'pass the names of the fitted panel');
  }
  if (members.some(({ conditional }) => conditional)) {
    const remedy = 'store the model and read it with `fromParameters` of @macrograd/model, or fit the form level';
    throw new ArgumentError('an LSTM of the form conditional cannot be written as a layers model', remedy);
  }
  const steps = ensembleWindow(parameters);
  const inputs = windowColumns.length + flagged.length;
  const nodes: Record<string, unknown>[] = [];
  const arrays: NamedWeight[] = [];
  const add = (layer: LayerConfig, ...from: string[]) => {
    nodes.push({
      ...layer,
      name: layer.config.name,
      inbound_nodes: from.length === 0 ? [] : [from.map((name) => [name, 0, 0, {}])],
    });
    return String(layer.config.name);
  };
  const raw = add(inputLayer(steps, inputs, 'factors'));
  const input =
    parameters.inputLimit === undefined ? raw : limited(add, raw, arrays, parameters, parameters.inputLimit);
  const parts = members.map((member, index) => {
    const name = `member_${index}`;
    const window =
      member.lookback === steps ? input : cropped(add, input, `${name}_window`, steps, member.lookback, inputs);
    arrays.push(...encoderWeights(`${name}_lstm`, parameters, member), headWeights(`${name}_head`, parameters, member));
    const hidden = add(lstmLayer(`${name}_lstm`, member.hiddenSize, false), window);
    return add(denseLayer(`${name}_head`, returnMean.length, false), hidden);
  });
  const flat = add({ class_name: 'Flatten', config: { name: 'flat' } }, input);
  arrays.push(...linearWeights('linear', parameters, steps));
  const linear = add(denseLayer('linear', returnMean.length, true), flat);
  const output = add({ class_name: 'Add', config: { name: 'returns' } }, ...parts, linear);
  const topology = { name: 'macrograd', layers: nodes, input_layers: [[raw, 0, 0]], output_layers: [[output, 0, 0]] };
  const files = layersModel({ class_name: 'Model', config: topology }, arrays);
  return { ...files, modelJson: { ...files.modelJson, userDefinedMetadata: metadata(parameters, info, steps) } };
}

/** Windows of a span as the model takes them, [batch][step][input]; what is missing is at its mean, its flag 0. */
export function ensembleWindows(parameters: LstmParameters, inputs: FactorPanel, span: Span): Float32Array {
  const { windowColumns, flagged, scaler } = parameters;
  const steps = ensembleWindow(parameters);
  const width = windowColumns.length + flagged.length;
  const series = inputs.factors.length;
  const out = new Float32Array((span.end - span.start) * steps * width);
  for (let at = 0; at < out.length; at += width) {
    const row = span.start + Math.floor(at / (steps * width)) - steps + 1 + (Math.floor(at / width) % steps);
    const raw = (column: number) => (row < 0 ? Number.NaN : inputs.values[row * series + column]);
    windowColumns.forEach((column, place) => {
      out[at + place] = Number.isNaN(raw(column)) ? scaler.mean[column] : raw(column);
    });
    flagged.forEach((column, place) => {
      out[at + windowColumns.length + place] = Number.isNaN(raw(column)) ? 0 : 1;
    });
  }
  return out;
}

type Add = (layer: LayerConfig, ...from: string[]) => string;

/** Standardised inputs within +-`limit`, plus `limit`, which a rectified unit with an upper end can give. */
function limited(add: Add, raw: string, arrays: NamedWeight[], parameters: LstmParameters, limit: number): string {
  const { windowColumns, flagged, scaler } = parameters;
  const inputs = windowColumns.length + flagged.length;
  const kernel = new Float32Array(inputs * inputs);
  const bias = new Float32Array(inputs).fill(limit);
  for (let place = 0; place < inputs; place++) {
    const column = windowColumns[place];
    kernel[place * inputs + place] = column === undefined ? 1 : 1 / scaler.sd[column];
    if (column !== undefined) bias[place] -= scaler.mean[column] / scaler.sd[column];
  }
  arrays.push({ name: 'standardised/kernel', shape: [inputs, inputs], values: kernel });
  arrays.push({ name: 'standardised/bias', shape: [inputs], values: bias });
  const standardised = add(denseLayer('standardised', inputs, true), raw);
  return add({ class_name: 'ReLU', config: { name: 'limited', max_value: 2 * limit } }, standardised);
}

/** Mean and SD that turn input `place` of the window, as the layers after the limits see it, into z; none for a flag. */
function standardising(parameters: LstmParameters, place: number): { readonly mean: number; readonly sd: number } {
  const { windowColumns, scaler, inputLimit } = parameters;
  if (inputLimit !== undefined) return { mean: inputLimit, sd: 1 };
  const column = windowColumns[place];
  return column === undefined ? { mean: 0, sd: 1 } : { mean: scaler.mean[column], sd: scaler.sd[column] };
}

/** The latest steps of the window; Keras cuts images, so it becomes one and back. */
function cropped(add: Add, input: string, name: string, steps: number, lookback: number, inputs: number): string {
  const reshape = (suffix: string, shape: readonly number[]): LayerConfig => ({
    class_name: 'Reshape',
    config: { name: `${name}_${suffix}`, target_shape: shape },
  });
  const image = add(reshape('image', [steps, inputs, 1]), input);
  const cropping = [
    [steps - lookback, 0],
    [0, 0],
  ];
  const cut = add(
    { class_name: 'Cropping2D', config: { name: `${name}_cut`, cropping, data_format: 'channels_last' } },
    image,
  );
  return add(reshape('steps', [lookback, inputs]), cut);
}

/** W z + b with z = (x - mean) / sd is (W / sd) x + b - W mean / sd. */
function encoderWeights(name: string, parameters: LstmParameters, member: EncoderParameters): NamedWeight[] {
  const { hiddenSize: H, inputSize, weightIh, weightHh } = member;
  const bias = Float64Array.from(member.bias);
  const scaled = Float32Array.from(weightIh, (weight, at) => {
    const { mean, sd } = standardising(parameters, at % inputSize);
    bias[Math.floor(at / inputSize)] -= (weight * mean) / sd;
    return weight / sd;
  });
  return lstmWeights(name, inputSize, H, {
    kernel: transposed(scaled, 4 * H, inputSize),
    recurrent: transposed(weightHh, 4 * H, H),
    bias: Float32Array.from(bias),
  });
}

/** Share of the ensemble's mean that each hidden unit adds to each asset's return, [H][asset]. */
function headWeights(
  name: string,
  { columns, returnSd, members }: LstmParameters,
  member: EncoderParameters,
): NamedWeight {
  const { hiddenSize: H, heads, featureMean } = member;
  const assets = returnSd.length;
  const values = Float32Array.from({ length: H * assets }, (_, at) => {
    const asset = at % assets;
    const place = asset * featureMean.length + columns.length + Math.floor(at / assets);
    return (returnSd[asset] * heads[place]) / members.length;
  });
  return { name: `${name}/kernel`, shape: [H, assets], values };
}

/** Everything that is linear in the window: z of the last step, lag filters, means; [step * input][asset] and [asset]. */
function linearWeights(name: string, parameters: LstmParameters, steps: number): NamedWeight[] {
  const { columns, windowColumns, flagged, returnMean, returnSd, members } = parameters;
  const inputs = windowColumns.length + flagged.length;
  const assets = returnMean.length;
  const kernel = new Float64Array(steps * inputs * assets);
  const bias = Float64Array.from(returnMean);
  for (let asset = 0; asset < assets; asset++) {
    for (const { heads, featureMean, hiddenSize, lagFilters, lagCount, filterCount } of members) {
      const share = returnSd[asset] / members.length;
      const head = heads.subarray(asset * featureMean.length, (asset + 1) * featureMean.length);
      featureMean.forEach((mean, k) => {
        bias[asset] -= share * head[k] * mean;
      });
      columns.forEach((column, f) => {
        const place = windowColumns.indexOf(column);
        const { mean, sd } = standardising(parameters, place);
        for (let lag = 0; lag < Math.max(1, lagCount); lag++) {
          let weight = lag === 0 ? head[f] : 0;
          for (let m = 0; m < filterCount; m++) {
            if (lag < lagCount)
              weight +=
                head[columns.length + hiddenSize + m] * lagFilters[(lag * columns.length + f) * filterCount + m];
          }
          const slope = (share * weight) / sd;
          kernel[((steps - 1 - lag) * inputs + place) * assets + asset] += slope;
          bias[asset] -= slope * mean;
        }
      });
    }
  }
  return [
    { name: `${name}/kernel`, shape: [steps * inputs, assets], values: Float32Array.from(kernel) },
    { name: `${name}/bias`, shape: [assets], values: Float32Array.from(bias) },
  ];
}

function metadata({ windowColumns, flagged, scaler }: LstmParameters, info: ModelInfo, steps: number) {
  const nameOf = (column: number) => info.factors[column].name;
  return {
    inputs: [...windowColumns.map(nameOf), ...flagged.map((column) => `${nameOf(column)} observed`)],
    units: windowColumns.map((column) => info.factors[column].unit),
    fill: windowColumns.map((column) => scaler.mean[column]),
    assets: info.assets,
    lookback: steps,
    frequency: info.frequency,
    horizon: info.horizon,
    training_start: info.trainingSpan.start,
    training_end: info.trainingSpan.end,
    version: info.version,
    config_sha256: info.configHash,
  };
}
