import { lstmOfAsset, type PerAssetLstmParameters } from '@macrograd/core';
import type { ExposureGraph, MethodExposures } from './exposure-outputs.js';
import type { Edge, GraphBuilder } from './graph.js';
import { addLstmExposures } from './lstm-exposures.js';
import { addLstm } from './lstm-graph.js';

const PREFIX = 'asset.';

/**
 * Raw windows -> returns [batch, asset]: a Scan over the assets' weights, whose body is the network of one. A graph beside
 * the others for every asset would take runtimes minutes to load.
 */
export function addAssetNetworks(
  graph: GraphBuilder,
  parameters: PerAssetLstmParameters,
  raw: Edge,
  returns: Edge,
): void {
  const parts = Array.from(parameters.returnMean, (_, asset) => {
    const own = graph.sibling();
    addLstm(own, lstmOfAsset(parameters, asset), raw, returns);
    return own;
  });
  const shapes = new Map([[returns, ['batch', 1]]]);
  const [each] = graph.absorbEach(parts, PREFIX, new Map([[raw, raw]]), shapes);
  const columns = graph.node('Squeeze', [each, graph.ints('axis_2', [2])], 'returns_by_asset');
  graph.node('Transpose', [columns], returns, { perm: [1, 0] });
}

/** Exposures of the selected assets, each from its own network. */
export function addAssetNetworkExposures(wanted: ExposureGraph, parameters: PerAssetLstmParameters): MethodExposures {
  const { graph, raw, assets, forms, targets } = wanted;
  const made = Array.from(parameters.returnMean, (_, asset) => {
    const own = graph.sibling();
    const local = { ...wanted, graph: own, assets: own.ints('only_asset', [0]), assetCount: 1 };
    const { edges } = addLstmExposures(local, lstmOfAsset(parameters, asset));
    return { own, edges: forms.map(edges) };
  });
  const shapes = forms.flatMap((form, at) => {
    const cells = targets.length * (form === 'lags' ? parameters.lookback : 1);
    const { exposure, se, spread } = made[0].edges[at];
    const edges = [exposure, se, spread].filter((edge) => edge !== undefined);
    return edges.map((edge) => [edge, ['batch', 1, cells]] as const);
  });
  const parts = made.map(({ own }) => own);
  const each = graph.absorbEach(parts, PREFIX, new Map([[raw, raw]]), new Map(shapes), assets);
  const places = new Map(shapes.map(([edge], at) => [edge, at]));
  const ordered = (edge: Edge) => byDate(graph, each[places.get(edge)!]);
  return {
    lags: parameters.lookback,
    edges: (form) => {
      const { exposure, se, spread } = made[0].edges[forms.indexOf(form)];
      return {
        exposure: ordered(exposure),
        ...(se && { se: ordered(se) }),
        ...(spread && { spread: ordered(spread) }),
      };
    },
  };
}

/** [asset, batch, 1, cell] -> [batch, asset, cell]. */
function byDate(graph: GraphBuilder, edge: Edge): Edge {
  const squeezed = graph.node('Squeeze', [edge, graph.ints('axis_2', [2])], `${edge}_squeezed`);
  return graph.node('Transpose', [squeezed], `${edge}_by_date`, { perm: [1, 0, 2] });
}
