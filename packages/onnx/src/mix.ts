import { ArgumentError, type FittedParameters, type JacobianForm, type MethodId } from '@macrograd/core';
import type { ExposureEdges, ExposureGraph, MethodExposures } from './exposure-outputs.js';
import type { Edge, GraphBuilder } from './graph.js';
import { addMethodExposures, addMethodReturns, type ModelSizes, sizesOf } from './method.js';
import { selectRows } from './select.js';

/** One method's share in a mix. */
export interface MixPart {
  /** Of all assets, also those that the method has no share in. */
  readonly parameters: FittedParameters;
  /** [asset]; 0 where the method is not used. */
  readonly weights: Float64Array;
}

/** The method chosen for every asset, or several with weights: what a run serves as `chosen`. */
export interface MixParameters {
  readonly method: 'chosen';
  readonly parts: readonly MixPart[];
}

/** Refuses parts that are of different sizes or on different scales, and assets that no part serves. */
export function mixSizes({ parts }: MixParameters): ModelSizes {
  const sizes = parts.map(({ parameters }) => sizesOf(parameters));
  const [first] = sizes;
  if (first === undefined) throw new ArgumentError('a mix of no methods', 'name at least one part');
  parts.forEach(({ parameters, weights }, i) => {
    const { assets, scaler } = sizes[i];
    const scaled = scaler.sd.every((sd, column) => Object.is(sd, first.scaler.sd[column]));
    if (assets !== first.assets || weights.length !== assets || !scaled) {
      throw new ArgumentError(
        `${parameters.method} and ${parts[0].parameters.method} differ in assets or in the SD of their series`,
        'mix methods fitted on one panel and span',
      );
    }
  });
  const idle = parts.find(({ weights }) => !weights.some((weight) => weight > 0));
  if (idle) throw new ArgumentError(`${idle.parameters.method} has no share in the mix`, 'leave it out');
  const unserved = parts[0].weights.findIndex((_, asset) => parts.every(({ weights }) => !(weights[asset] > 0)));
  if (unserved >= 0) throw new ArgumentError(`asset ${unserved} has no method in the mix`, 'give it a weight above 0');
  return { ...first, lookback: Math.max(...sizes.map(({ lookback }) => lookback)) };
}

/** Raw windows -> returns [batch, asset]: every method for its own assets, then weighted and put in order. */
export function addMixReturns(graph: GraphBuilder, { parts }: MixParameters, raw: Edge, returns: Edge): void {
  const shares: { readonly column: number; readonly weight: number }[][] = Array.from(parts[0].weights, () => []);
  let column = 0;
  const columns = parts.map(({ parameters, weights }) => {
    const places = usedPlaces(weights);
    for (const place of places) shares[place].push({ column: column++, weight: weights[place] });
    const own = graph.sibling();
    addMethodReturns(own, selectRows(parameters, places), raw, returns);
    graph.absorb(own, `${parameters.method}.`, new Map([[raw, raw]]));
    return `${parameters.method}.${returns}`;
  });
  const all = graph.node('Concat', columns, 'returns_by_method', { axis: 1 });
  const most = Math.max(...shares.map(({ length }) => length));
  const terms = Array.from({ length: most }, (_, k) => {
    // An asset of fewer methods adds its first one again, times 0.
    const places = graph.ints(
      `share_${k}`,
      shares.map((own) => (own[k] ?? own[0]).column),
    );
    const taken = graph.node('Gather', [all, places], `return_${k}`, { axis: 1 });
    const weights = shares.map((own) => own[k]?.weight ?? 0);
    return graph.node('Mul', [taken, graph.floats(`weight_${k}`, [weights.length], weights)], `weighted_return_${k}`);
  });
  graph.node('Sum', terms, returns);
}

/** One part's exposures within the graph of the mix. */
interface Share {
  readonly method: MethodId;
  readonly lags: number;
  /** Of each form, of the selected assets; of assets without a share they mean nothing. */
  readonly edges: ReadonlyMap<JacobianForm, ExposureEdges>;
  /** [selected asset][1], and whether it is above 0. */
  readonly weight: Edge;
  readonly used: Edge;
}

/**
 * Exposures of a mix: the weighted sum over methods, 0 where one has no share, with the standard errors of model averaging
 * (`averagingTerm` of `@macrograd/core`). A method without standard errors leaves them unknown.
 */
export function addMixExposures(wanted: ExposureGraph, { parts }: MixParameters): MethodExposures {
  const shares = parts.map((part) => addShare(wanted, part));
  const lags = Math.max(...shares.map((share) => share.lags));
  return { lags, edges: (form) => addMixForm(wanted, form, shares, lags) };
}

function addMixForm(
  { graph, targets }: ExposureGraph,
  form: JacobianForm,
  shares: readonly Share[],
  lags: number,
): ExposureEdges {
  const name = (share: Share, of: string) => `${share.method}.mix.${form}.${of}`;
  // Lags that a method does not have are 0 and certain.
  const padded = (share: Share, edge: Edge) => {
    if (form !== 'lags' || share.lags === lags) return edge;
    const pads = graph.ints(`lags_after_${share.lags}`, [0, 0, 0, 0, 0, (lags - share.lags) * targets.length]);
    return graph.node('Pad', [edge, pads], `${edge}_of_${lags}`, { mode: 'constant' });
  };
  const weighted = (share: Share, edge: Edge, as: string) => {
    const product = graph.node('Mul', [edge, share.weight], name(share, `${as}_weighted`));
    return graph.node('Where', [share.used, product, graph.floats('zero', [], [0])], name(share, `${as}_share`));
  };
  const estimates = shares.map((share) => padded(share, share.edges.get(form)!.exposure));
  const terms = shares.map((share, m) => weighted(share, estimates[m], 'exposure'));
  const exposure = graph.node('Sum', terms, `${form}.exposure`);
  const errors = shares.map((share, m) => {
    const own = share.edges.get(form)!;
    const unknown = () =>
      graph.node('Mul', [own.exposure, graph.floats('nan', [], [Number.NaN])], name(share, 'no_se'));
    const se = padded(share, own.se ?? unknown());
    const apart = graph.node('Sub', [estimates[m], exposure], name(share, 'apart'));
    const squares = [apart, se].map((edge, i) => graph.node('Mul', [edge, edge], name(share, `square_${i}`)));
    const variance = graph.node('Sum', squares, name(share, 'variance'));
    return weighted(share, graph.node('Sqrt', [variance], name(share, 'error')), 'se');
  });
  return { exposure, se: graph.node('Sum', errors, `${form}.se`) };
}

function addShare(wanted: ExposureGraph, { parameters, weights }: MixPart): Share {
  const { graph, raw, assets, forms } = wanted;
  const prefix = `${parameters.method}.`;
  const places = usedPlaces(weights);
  const own = graph.sibling();
  const local = addMethodExposures(
    { ...wanted, graph: own, assetCount: places.length },
    selectRows(parameters, places),
  );
  const prefixed = new Map(
    forms.map((form) => {
      const { exposure, se } = local.edges(form);
      return [form, { exposure: `${prefix}${exposure}`, ...(se !== undefined && { se: `${prefix}${se}` }) }] as const;
    }),
  );
  // An asset that the method does not serve reads its first one, and is cut out below.
  const position = new Int32Array(weights.length);
  places.forEach((place, at) => {
    position[place] = at;
  });
  const selected = graph.node('Gather', [graph.ints(`${prefix}position`, position), assets], `${prefix}selected`);
  graph.absorb(
    own,
    prefix,
    new Map([
      [raw, raw],
      [assets, selected],
    ]),
  );
  const all = graph.floats(`${prefix}weights`, [weights.length, 1], weights);
  const weight = graph.node('Gather', [all, assets], `${prefix}weight`, { axis: 0 });
  const used = graph.node('Greater', [weight, graph.floats('zero', [], [0])], `${prefix}used`);
  return { method: parameters.method, lags: local.lags, edges: prefixed, weight, used };
}

/** Places of the assets that have a share. */
function usedPlaces(weights: Float64Array): number[] {
  return Array.from(weights, (_, place) => place).filter((place) => weights[place] > 0);
}
