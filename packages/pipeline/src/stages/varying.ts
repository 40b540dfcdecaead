import { type FactorPanel, InputError, type Panel, selectColumns } from '@macrograd/core';

/** Range of a series over its largest value below which it counts as constant: rounding leaves some 1e-12 of a constant growth rate. */
const CONSTANT = 1e-9;

/**
 * Range below which a series is refused as it stands: models are exported in single precision, with seven digits, of
 * which a smaller move would leave too few to keep the export within 1e-5 of the model.
 */
const STEADY = 2e-3;

/** A panel without its constant series, and what to tell of them. */
export interface Varying {
  readonly panel: Panel;
  readonly notes: readonly string[];
}

/**
 * Leaves out series that do not move over the whole panel: nothing can be learned from them.
 *
 * @throws InputError when no factor is left, and for a series that hardly moves beside its level
 */
export function withoutConstants(panel: Panel): Varying {
  const { inputs } = panel;
  const moves = inputs.factors.map((_, column) => relativeRange(inputs, column));
  const varying = moves.map((range) => range > CONSTANT);
  moves.forEach((range, column) => {
    if (!varying[column] || range > STEADY) return;
    const { name, source } = inputs.factors[column];
    throw new InputError(`${name} (${source}) moves by ${range.toExponential(0)} of its level only`, {
      remedy: 'take its change (diff, dlog), or take the level off with `expr`',
    });
  });
  if (varying.every(Boolean)) return { panel, notes: [] };
  const kept = inputs.factors.flatMap((_, column) => (varying[column] ? [column] : []));
  const factors = kept.map((column) => inputs.factors[column]);
  const notes = inputs.factors.flatMap(({ name, transform, source }, column) =>
    varying[column] ? [] : [`${name} (${source}, ${transform}) is constant: it tells nothing and is left out`],
  );
  if (!factors.some(({ role }) => role === 'factor')) {
    throw new InputError(`every factor is constant: ${notes.join(', ')}`, {
      remedy: 'take a series that moves, or another transform',
    });
  }
  const values = selectColumns(inputs.values, inputs.factors.length, kept);
  return { panel: { ...panel, inputs: { ...inputs, factors, values } }, notes };
}

/** Highest less lowest value of a series over its largest size; 0 for zeros throughout. */
function relativeRange({ values, factors }: FactorPanel, column: number): number {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let at = column; at < values.length; at += factors.length) {
    if (values[at] < low) low = values[at];
    if (values[at] > high) high = values[at];
  }
  return high > low ? (high - low) / Math.max(Math.abs(low), Math.abs(high)) : 0;
}
