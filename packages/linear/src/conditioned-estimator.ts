import {
  ArgumentError,
  type Condition,
  type Diagnostics,
  type Estimator,
  type FactorPanel,
  fitScaler,
  type MethodId,
  type Panel,
  type Span,
  type StatusNote,
} from '@macrograd/core';
import { conditionedColumns, sidesOf, stateColumn, withColumns } from './conditioned.js';
import { ConditionedFitted, isConditionable } from './conditioned-fitted.js';
import { MIN_SERIES_OBSERVATIONS } from './design.js';

/** What conditions a method. */
export interface ConditionedEstimatorOptions {
  /** Name of the series, whatever its role. */
  readonly state: string;
  /**
   * In the state's unit: one exposure where the state is at or below it, another where it is above. Without a level the
   * exposure moves in a line with the state.
   */
  readonly level?: number;
}

/** Methods that no state conditions from outside: without exposures, or conditioned by themselves. */
const ownStates: ReadonlySet<MethodId> = new Set(['zero', 'threshold', 'spline', 'lstm']);

/** Whether {@link conditionedEstimator} takes a method. */
export function canBeConditioned(method: MethodId): boolean {
  return !ownStates.has(method);
}

/**
 * A method whose exposures depend on a state that is seen: the method on {@link withColumns conditioned inputs}, its
 * exposures read as those to the panel's own factors at each row's state. Formulae: docs/methods/README.md.
 *
 * A side of the level with fewer than 24 training rows is not estimated (`regime_barely_seen`): no exposure there.
 *
 * @example
 * const estimator = conditionedEstimator(olsEstimator(), { state: 'INFLATION_LEVEL', level: 5 });
 * const fitted = await estimator.fit(panel, { start: 0, end: 240 }, { seed: 1 });
 * fitted.diagnostics.facts.rows_above; // training rows with the state above 5
 * @throws ArgumentError for a method that takes states by itself, and for a state that does not exist
 */
export function conditionedEstimator(base: Estimator, options: ConditionedEstimatorOptions): Estimator {
  const { method } = base;
  if (!canBeConditioned(method)) {
    throw new ArgumentError(`no state conditions ${method} from outside`, 'give the series the role `state`');
  }
  return {
    method,
    fit: async (panel, span, fit) => {
      const condition = conditionOf(panel.inputs, span, options);
      const columns = conditionedColumns(panel.inputs, condition);
      const sides = sidesOf(panel.inputs, condition, span);
      const inputs = withoutThinSides(withColumns(panel.inputs, condition, columns), columns, condition, sides);
      const fitted = await base.fit({ ...panel, inputs }, span, fit);
      if (!isConditionable(fitted)) {
        throw new ArgumentError(`${method} can't be conditioned`, 'take an estimator of @macrograd/linear');
      }
      return new ConditionedFitted({
        fitted,
        scaler: fitScaler(panel.inputs.values, panel.inputs.factors.length, span),
        condition,
        columns,
        diagnostics: diagnosticsOf(fitted.diagnostics, panel, condition, sides),
      });
    },
  };
}

function conditionOf(inputs: FactorPanel, span: Span, { state, level }: ConditionedEstimatorOptions): Condition {
  const column = stateColumn(inputs, state);
  if (level !== undefined) return { state: column, form: 'thresholded', level };
  // Any level gives the same line; at the mean the two parts' errors are nearly independent.
  const mean = fitScaler(inputs.values, inputs.factors.length, span).mean[column];
  return { state: column, form: 'interacted', level: Number(mean.toPrecision(6)) };
}

/** Zeros in place of the factors of a side that is hardly seen: the method leaves out what does not move. */
function withoutThinSides(
  inputs: FactorPanel,
  columns: ReturnType<typeof conditionedColumns>,
  { form }: Condition,
  sides: ReturnType<typeof sidesOf>,
): FactorPanel {
  const thin = (weight: string) =>
    (weight === 'below' && sides.below < MIN_SERIES_OBSERVATIONS) ||
    ((weight === 'above' || weight === 'side') && sides.above < MIN_SERIES_OBSERVATIONS);
  if (form === 'interacted' || !columns.some(({ weight }) => thin(weight))) return inputs;
  const width = columns.length;
  const values = inputs.values.map((value, at) =>
    thin(columns[at % width].weight) && !Number.isNaN(value) ? 0 : value,
  );
  return { ...inputs, values };
}

/** Tests of either part against zero, times two (Bonferroni): that the factor has no effect in any state. */
function diagnosticsOf(
  own: Diagnostics,
  { inputs }: Panel,
  condition: Condition,
  { below, above }: ReturnType<typeof sidesOf>,
): Diagnostics {
  const pValues = Float64Array.from({ length: own.pValues.length / 2 }, (_, pair) => {
    const [p, q] = own.pValues.subarray(2 * pair, 2 * pair + 2);
    if (Number.isNaN(p)) return q;
    return Number.isNaN(q) ? p : Math.min(1, 2 * Math.min(p, q));
  });
  const { name } = inputs.factors[condition.state];
  const few = Math.min(below, above);
  const thin = condition.form === 'thresholded' && few < MIN_SERIES_OBSERVATIONS;
  const status = own.status.map((note): StatusNote => {
    if (!thin || (note.status !== 'ok' && note.status !== 'rank_deficient')) return note;
    const side = below < above ? 'at or below' : 'above';
    return {
      status: 'regime_barely_seen',
      remedy: `${name} was ${side} ${condition.level} in ${few} training rows, fewer than ${MIN_SERIES_OBSERVATIONS}: no exposure there; take another level, or start with more rows`,
    };
  });
  const facts = {
    ...own.facts,
    condition_level: condition.level,
    ...(condition.form === 'thresholded' && { rows_below: below, rows_above: above }),
  };
  return { ...own, status, pValues, facts };
}
