import {
  ArgumentError,
  type Condition,
  type ConditionedColumn,
  type FactorMeta,
  type FactorPanel,
  type Span,
} from '@macrograd/core';

/** How a state conditions the factors. */
export interface ConditionOptions {
  /** Name of the series, whatever its role. */
  readonly state: string;
  /**
   * `thresholded`: every factor becomes two, one for rows with the state at or below `level` and one for rows above it, 0
   * elsewhere; whether the state is above is a control. `interacted`: every factor keeps its place, its exposure being
   * that where the state is at `level`, and gets a companion factor x (state - level); the state is a control.
   */
  readonly form: 'thresholded' | 'interacted';
  /** In the state's unit, known beforehand: a level read off the whole sample would know the future. */
  readonly level: number;
}

/**
 * Inputs on which any method's exposures depend on a state: fit and read it on `{ ...panel, inputs: conditionedInputs(...) }`.
 * Both regimes' exposures stand side by side as factors of their own, with errors, tests and exports as of any factor.
 * A row without the state has no conditioned factor. Formulae: docs/methods/README.md.
 *
 * @example
 * const inputs = conditionedInputs(panel.inputs, { state: 'INFLATION_LEVEL', form: 'thresholded', level: 5 });
 * const fitted = await kalmanEstimator().fit({ ...panel, inputs }, { start: 0, end: 240 }, { seed: 1 });
 * @throws ArgumentError for a state that does not exist, or a level at which it never stands on either side
 */
export function conditionedInputs(inputs: FactorPanel, { state, form, level }: ConditionOptions): FactorPanel {
  const condition = { state: stateColumn(inputs, state), form, level };
  const { below, above } = sidesOf(inputs, condition, { start: 0, end: inputs.axis.dates.length });
  if (form === 'thresholded' && (below === 0 || above === 0)) {
    throw new ArgumentError(`"${state}" never crosses ${level}`, 'give a level inside its range');
  }
  return withColumns(inputs, condition, conditionedColumns(inputs, condition));
}

/** Column of a series by its name. */
export function stateColumn({ factors }: FactorPanel, state: string): number {
  const column = factors.findIndex(({ name }) => name === state);
  if (column >= 0) return column;
  const names = factors.map(({ name }) => name).join(', ');
  throw new ArgumentError(`there is no series "${state}"`, `name one of ${names}`);
}

/** Rows of a span with the state at or below the level, and above it. */
export function sidesOf({ values, factors }: FactorPanel, { state, level }: Condition, span: Span) {
  let [below, above] = [0, 0];
  for (let row = span.start; row < span.end; row++) {
    const s = values[row * factors.length + state];
    if (s > level) above++;
    else if (s <= level) below++;
  }
  return { below, above };
}

/** What the inputs become: every factor two, side by side, controls as they are, and the state a control. */
export function conditionedColumns({ factors }: FactorPanel, { state, form }: Condition): ConditionedColumn[] {
  const pair = form === 'thresholded' ? (['below', 'above'] as const) : (['one', 'distance'] as const);
  return factors.flatMap(({ role }, from) => {
    const columns: ConditionedColumn[] = [];
    if (role === 'factor') columns.push(...pair.map((weight) => ({ from, weight })));
    else if (from !== state) columns.push({ from, weight: 'one' });
    // A state that is a factor itself already is a regressor of the interacted form.
    if (from === state && form === 'thresholded') columns.push({ from, weight: 'side' });
    else if (from === state && role !== 'factor') columns.push({ from, weight: 'one' });
    return columns;
  });
}

/** The inputs that {@link conditionedColumns} names. */
export function withColumns(
  inputs: FactorPanel,
  condition: Condition,
  columns: readonly ConditionedColumn[],
): FactorPanel {
  const { factors, values } = inputs;
  const rows = inputs.axis.dates.length;
  const own = new Float64Array(rows * columns.length);
  for (let row = 0; row < rows; row++) {
    const at = row * factors.length;
    const distance = values[at + condition.state] - condition.level;
    columns.forEach(({ from, weight }, c) => {
      own[row * columns.length + c] = weighted(values[at + from], weight, distance);
    });
  }
  return { ...inputs, factors: columns.map((column) => metaOf(inputs, condition, column)), values: own };
}

function weighted(x: number, weight: ConditionedColumn['weight'], distance: number): number {
  if (weight === 'one') return x;
  if (weight === 'distance') return x * distance;
  const above = Number.isNaN(distance) ? Number.NaN : Number(distance > 0);
  if (weight === 'side') return above;
  return x * (weight === 'above' ? above : 1 - above);
}

function metaOf(
  { factors }: FactorPanel,
  { state, level }: Condition,
  { from, weight }: ConditionedColumn,
): FactorMeta {
  const meta = factors[from];
  const on = factors[state].name;
  switch (weight) {
    case 'below':
      return { ...meta, name: `${meta.name} where ${on} <= ${level}` };
    case 'above':
      return { ...meta, name: `${meta.name} where ${on} > ${level}` };
    case 'distance':
      return { ...meta, name: `${meta.name} x (${on} - ${level})` };
    case 'side':
      return { ...meta, name: `${on} > ${level}`, role: 'control' };
    case 'one':
      return from === state && meta.role === 'state' ? { ...meta, role: 'control' } : meta;
  }
}
