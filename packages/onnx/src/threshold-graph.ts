import { type LinearParameters, regimeAsLinear, type ThresholdParameters } from '@macrograd/core';
import type { ExposureEdges, ExposureGraph, MethodExposures } from './exposure-outputs.js';
import type { Edge, GraphBuilder } from './graph.js';
import { addLinearExposures } from './linear-exposures.js';
import { addLinear } from './linear-graph.js';

const regimes = ['single', 'lower', 'upper'] as const;

/** One regime of a threshold regression as a linear method of its own. */
function regimeOf(parameters: ThresholdParameters, regime: (typeof regimes)[number]): LinearParameters {
  return regimeAsLinear(parameters, regime === 'single' ? parameters : parameters[regime]);
}

/** Where each asset's series is missing and where it is above its threshold: [batch, asset]. */
function addRegime(graph: GraphBuilder, parameters: ThresholdParameters, raw: Edge) {
  const { variable, threshold, delay } = parameters;
  // An asset without a threshold has the same coefficients in both regimes: any series does.
  const series = Array.from(variable, (column) => Math.max(0, column));
  // A window that does not reach back to the regime's row is filled with missing values, as everywhere.
  const pads = graph.ints('regime_pads', [0, delay, 0, 0, 0, 0]);
  const filled = graph.node('Pad', [raw, pads, graph.floats('nan', [], [Number.NaN])], 'regime_window', {
    mode: 'constant',
  });
  const step = graph.node('Gather', [filled, graph.ints('regime_step', [-1 - delay])], 'regime_steps', { axis: 1 });
  const row = graph.node('Squeeze', [step, graph.ints('axis_1', [1])], 'regime_row');
  const q = graph.node('Gather', [row, graph.ints('regime_series', series)], 'regime_values', { axis: 1 });
  const limits = graph.floats('thresholds', [threshold.length], threshold);
  return {
    missing: graph.node('IsNaN', [q], 'regime_missing'),
    above: graph.node('Greater', [q, limits], 'regime_above'),
  };
}

/** Adds a threshold regression: the returns of the regime that each asset's series is in. */
export function addThreshold(graph: GraphBuilder, parameters: ThresholdParameters, raw: Edge, returns: Edge): void {
  for (const regime of regimes) {
    const own = graph.sibling();
    addLinear(own, regimeOf(parameters, regime), raw, returns);
    graph.absorb(own, `${regime}.`, new Map([[raw, raw]]));
  }
  const { missing, above } = addRegime(graph, parameters, raw);
  const seen = graph.node('Where', [above, `upper.${returns}`, `lower.${returns}`], 'returns_by_regime');
  graph.node('Where', [missing, `single.${returns}`, seen], returns);
}

/** Exposures of a threshold regression: those of the regime that each asset's series is in. They lie at lag 0 alone. */
export function addThresholdExposures(wanted: ExposureGraph, parameters: ThresholdParameters): MethodExposures {
  const { graph, raw, assets } = wanted;
  const parts = regimes.map((regime) => {
    const own = graph.sibling();
    const local = addLinearExposures({ ...wanted, graph: own }, regimeOf(parameters, regime));
    const made = new Map(wanted.forms.map((form) => [form, local.edges(form)]));
    graph.absorb(
      own,
      `${regime}.`,
      new Map([
        [raw, raw],
        [assets, assets],
      ]),
    );
    return { regime, made };
  });
  const { missing, above } = addRegime(graph, parameters, raw);
  const [missingNow, aboveNow] = [missing, above].map((edge) => {
    const selected = graph.node('Gather', [edge, assets], `${edge}_selected`, { axis: 1 });
    return graph.node('Unsqueeze', [selected, graph.ints('axis_2', [2])], `${edge}_by_asset`);
  });
  const pick = (form: (typeof wanted.forms)[number], name: keyof ExposureEdges) => {
    const edges = parts.map(({ regime, made }) => {
      const edge = made.get(form)?.[name];
      return edge === undefined ? undefined : `${regime}.${edge}`;
    });
    const [single, lower, upper] = edges;
    if (single === undefined || lower === undefined || upper === undefined) return undefined;
    const seen = graph.node('Where', [aboveNow, upper, lower], `${form}.${name}_by_regime`);
    return graph.node('Where', [missingNow, single, seen], `${form}.${name}_of_regime`);
  };
  return {
    lags: 1,
    edges: (form) => {
      const [exposure, se] = [pick(form, 'exposure'), pick(form, 'se')];
      return { exposure: exposure ?? '', ...(se !== undefined && { se }) };
    },
  };
}
