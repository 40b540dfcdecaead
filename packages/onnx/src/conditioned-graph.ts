import { type ConditionedParameters, conditionedPair, type FittedParameters, type JacobianForm } from '@macrograd/core';
import type { ExposureEdges, ExposureGraph, MethodExposures } from './exposure-outputs.js';
import type { Edge, GraphBuilder } from './graph.js';

/** Adds the graph of any method; given, since the methods' own module builds on this one. */
type AddReturns = (graph: GraphBuilder, parameters: FittedParameters, raw: Edge, returns: Edge) => void;
type AddExposures = (wanted: ExposureGraph, parameters: FittedParameters) => MethodExposures;

const PREFIX = 'conditioned.';

/** Adds a method whose inputs a state conditions: raw windows -> conditioned windows -> returns. */
export function addConditioned(
  graph: GraphBuilder,
  parameters: ConditionedParameters,
  raw: Edge,
  returns: Edge,
  addReturns: AddReturns,
): void {
  const window = addWindow(graph, parameters, raw);
  const own = graph.sibling();
  addReturns(own, parameters.conditioned, raw, returns);
  graph.absorb(own, PREFIX, new Map([[raw, window]]));
  graph.node('Identity', [`${PREFIX}${returns}`], returns);
}

/** Exposures to the panel's own factors, in the state of each lag's own step. */
export function addConditionedExposures(
  wanted: ExposureGraph,
  parameters: ConditionedParameters,
  addExposures: AddExposures,
): MethodExposures {
  const { graph, raw, assets, forms } = wanted;
  const pairs = wanted.targets.map((factor) => conditionedPair(parameters.inputs, factor));
  const window = addWindow(graph, parameters, raw);
  const own = graph.sibling();
  // First parts of all factors, then second ones.
  const targets = [...pairs.map(([first]) => first), ...pairs.map(([, second]) => second)];
  const local = addExposures({ ...wanted, graph: own, targets }, parameters.conditioned);
  const made = new Map(forms.map((form) => [form, local.edges(form)]));
  graph.absorb(
    own,
    PREFIX,
    new Map([
      [raw, window],
      [assets, assets],
    ]),
  );
  return {
    lags: local.lags,
    edges: (form) => {
      const lags = form === 'lags' ? local.lags : 1;
      const part = (edge: Edge, second: boolean) => addPart(wanted, parameters, `${PREFIX}${edge}`, form, lags, second);
      const state = addStateByLag(graph, form, lags, pairs.length);
      const { exposure, se } = made.get(form)!;
      const join = (edge: Edge, errors: boolean) =>
        addJoined(graph, parameters, part(edge, false), part(edge, true), state, errors);
      return {
        exposure: join(exposure, false),
        ...(se !== undefined && { se: join(se, true) }),
      } satisfies ExposureEdges;
    },
  };
}

/** The side (0 or 1) that the state is on, or its distance from the level, [batch, time, 1]; NaN where it is missing. */
const STATE = 'condition_state';

/** Raw windows [batch, time, series] -> [batch, time, input of the method]. */
function addWindow(graph: GraphBuilder, { condition, inputs }: ConditionedParameters, raw: Edge): Edge {
  const series = graph.node('Gather', [raw, graph.ints('condition_series', [condition.state])], 'condition_values', {
    axis: 2,
  });
  const level = graph.floats('condition_level', [], [condition.level]);
  if (condition.form === 'interacted') graph.node('Sub', [series, level], STATE);
  else {
    const above = graph.node('Greater', [series, level], 'condition_above');
    const side = graph.node(
      'Where',
      [above, graph.floats('one', [], [1]), graph.floats('zero', [], [0])],
      'condition_side',
    );
    const missing = graph.node('IsNaN', [series], 'condition_missing');
    graph.node('Where', [missing, graph.floats('nan', [], [Number.NaN]), side], STATE);
  }
  const places = (keep: (weight: string) => boolean) =>
    inputs.flatMap(({ weight }, place) => (keep(weight) ? [place] : []));
  const plain = places((weight) => weight === 'one');
  const moved = places((weight) => weight !== 'one' && weight !== 'side');
  const sides = places((weight) => weight === 'side');
  const columns = (own: readonly number[], name: string) => {
    const from = graph.ints(
      `${name}_columns`,
      own.map((place) => inputs[place].from),
    );
    return graph.node('Gather', [raw, from], name, { axis: 2 });
  };
  const parts: Edge[] = [];
  if (plain.length > 0) parts.push(columns(plain, 'condition_plain'));
  if (moved.length > 0) {
    // 1 - side below the level, else the side or the distance itself.
    const below = moved.map((place) => inputs[place].weight === 'below');
    const slope = graph.floats(
      'condition_slope',
      [moved.length],
      below.map((is) => (is ? -1 : 1)),
    );
    const start = graph.floats('condition_start', [moved.length], below.map(Number));
    const weights = graph.node(
      'Add',
      [graph.node('Mul', [STATE, slope], 'condition_sloped'), start],
      'condition_weights',
    );
    parts.push(graph.node('Mul', [columns(moved, 'condition_moved'), weights], 'condition_products'));
  }
  if (sides.length > 0) parts.push(STATE);
  const joined = graph.node('Concat', parts, 'condition_parts', { axis: 2 });
  const order = [...plain, ...moved, ...sides];
  const sorted = inputs.map((_, place) => order.indexOf(place));
  return graph.node('Gather', [joined, graph.ints('condition_order', sorted)], 'condition_window', { axis: 2 });
}

/** One part's exposures per training SD of the factor, [batch or 1, selected, lag * factor]. */
function addPart(
  { graph, targets }: ExposureGraph,
  { scaler, inputs, conditioned }: ConditionedParameters,
  edge: Edge,
  form: JacobianForm,
  lags: number,
  second: boolean,
): Edge {
  const factors = targets.length;
  const cells = Array.from({ length: lags * factors }, (_, cell) => cell);
  const places = cells.map((cell) => {
    return Math.floor(cell / factors) * 2 * factors + (cell % factors) + (second ? factors : 0);
  });
  const name = `${form}.condition_${second ? 'second' : 'first'}`;
  const scales = cells.map((cell) => {
    const factor = targets[cell % factors];
    return scaler.sd[factor] / conditioned.scaler.sd[conditionedPair(inputs, factor)[second ? 1 : 0]];
  });
  const own = graph.node('Gather', [edge, graph.ints(`${name}_places`, places)], `${edge}.${name}`, { axis: 2 });
  return graph.node('Mul', [own, graph.floats(`${name}_scales`, [cells.length], scales)], `${edge}.${name}_scaled`);
}

/** The state of each lag's own step, newest first: [batch, 1, lag * factor]; NaN before the window. */
function addStateByLag(graph: GraphBuilder, form: JacobianForm, lags: number, factors: number): Edge {
  const own = (name: string) => `${form}.condition_${name}`;
  const pads = graph.ints(own('pads'), [0, lags - 1, 0, 0, 0, 0]);
  const padded = graph.node('Pad', [STATE, pads, graph.floats('nan', [], [Number.NaN])], own('padded'), {
    mode: 'constant',
  });
  const limits = [[-1], [-lags - 1], [1], [-1]].map((values, at) => graph.ints(own(`limit_${at}`), values));
  const newest = graph.node('Slice', [padded, ...limits], own('newest_first'));
  const cells = Array.from({ length: lags * factors }, (_, cell) => Math.floor(cell / factors));
  const spread = graph.node('Gather', [newest, graph.ints(own('lags'), cells)], own('by_cell'), { axis: 1 });
  return graph.node('Reshape', [spread, graph.ints(own('shape'), [0, 1, lags * factors])], own('state'));
}

/** Both parts as one exposure in the row's state; standard errors add up as if they were perfectly correlated. */
function addJoined(
  graph: GraphBuilder,
  { condition }: ConditionedParameters,
  first: Edge,
  second: Edge,
  state: Edge,
  errors: boolean,
): Edge {
  const name = `${first}_joined`;
  if (condition.form === 'interacted') {
    const distance = errors ? graph.node('Abs', [state], `${name}.distance`) : state;
    return graph.node('Add', [first, graph.node('Mul', [second, distance], `${name}.moved`)], name);
  }
  // Chosen, not multiplied by 0: a part that was left out is NaN.
  const above = graph.node('Greater', [state, graph.floats('half', [], [0.5])], `${name}.above`);
  const seen = graph.node('Where', [above, second, first], `${name}.seen`);
  const missing = graph.node('IsNaN', [state], `${name}.missing`);
  return graph.node('Where', [missing, graph.floats('nan', [], [Number.NaN]), seen], name);
}
