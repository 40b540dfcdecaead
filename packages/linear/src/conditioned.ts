import { ArgumentError, type FactorMeta, type FactorPanel } from '@macrograd/core';

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
export function conditionedInputs(inputs: FactorPanel, options: ConditionOptions): FactorPanel {
  const { state, form, level } = options;
  const { factors, values } = inputs;
  const column = factors.findIndex(({ name }) => name === state);
  if (column < 0) {
    const names = factors.map(({ name }) => name).join(', ');
    throw new ArgumentError(`there is no series "${state}"`, `name one of ${names}`);
  }
  const rows = inputs.axis.dates.length;
  const at = (row: number) => values[row * factors.length + column];
  const seen = Array.from({ length: rows }, (_, row) => at(row)).filter((value) => !Number.isNaN(value));
  if (form === 'thresholded' && !(seen.some((s) => s > level) && seen.some((s) => s <= level))) {
    throw new ArgumentError(`"${state}" never crosses ${level}`, 'give a level inside its range');
  }
  const parts = factors.flatMap((meta, j) => partsOf(meta, j, j === column, options));
  const own = new Float64Array(rows * parts.length);
  for (let row = 0; row < rows; row++) {
    parts.forEach(({ from, weight }, p) => {
      own[row * parts.length + p] = weight(values[row * factors.length + from], at(row));
    });
  }
  return { ...inputs, factors: parts.map(({ meta }) => meta), values: own };
}

interface Part {
  readonly meta: FactorMeta;
  /** Column that it is made of. */
  readonly from: number;
  readonly weight: (x: number, state: number) => number;
}

function partsOf(meta: FactorMeta, from: number, isState: boolean, { state, form, level }: ConditionOptions): Part[] {
  const above = (s: number) => (Number.isNaN(s) ? Number.NaN : Number(s > level));
  const named = (text: string, unit = meta.unit): FactorMeta => ({ ...meta, name: `${meta.name} ${text}`, unit });
  const same: Part = { meta, from, weight: (x) => x };
  const parts: Part[] = [];
  if (meta.role === 'factor') {
    parts.push(
      ...(form === 'thresholded'
        ? [
            { meta: named(`where ${state} <= ${level}`), from, weight: (x: number, s: number) => x * (1 - above(s)) },
            { meta: named(`where ${state} > ${level}`), from, weight: (x: number, s: number) => x * above(s) },
          ]
        : [same, { meta: named(`x (${state} - ${level})`), from, weight: (x: number, s: number) => x * (s - level) }]),
    );
  } else if (!isState) {
    parts.push(same);
  }
  // A state that is a factor itself already is a regressor of the interacted form.
  if (isState && form === 'thresholded') {
    parts.push({ meta: { ...named(`> ${level}`), role: 'control' }, from, weight: (_, s) => above(s) });
  } else if (isState && meta.role !== 'factor') {
    parts.push({ meta: { ...meta, role: 'control' }, from, weight: (x) => x });
  }
  return parts;
}
