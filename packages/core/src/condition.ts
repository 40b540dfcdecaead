/** How a state conditions the exposures of a method: docs/methods/README.md. */
export interface Condition {
  /** Column of the inputs that holds the state. */
  readonly state: number;
  /** `thresholded`: one exposure on either side of `level`; `interacted`: one that moves in a line with the state. */
  readonly form: 'thresholded' | 'interacted';
  /** In the state's unit. */
  readonly level: number;
}

/**
 * An input of a conditioned method: a column of the panel's inputs as it is (`one`), where the state is at most at the level
 * (`below`), where it is above (`above`), times the state less the level (`distance`), or 1 where the state is above
 * (`side`). Missing where the column or, but for `one`, the state is.
 */
export interface ConditionedColumn {
  readonly from: number;
  readonly weight: 'one' | 'below' | 'above' | 'distance' | 'side';
}

/** Places of the two inputs that a factor has become: below and above, or as it is and times the distance. */
export function conditionedPair(inputs: readonly ConditionedColumn[], factor: number): readonly [number, number] {
  const place = (...weights: ConditionedColumn['weight'][]) =>
    inputs.findIndex(({ from, weight }) => from === factor && weights.includes(weight));
  return [place('one', 'below'), place('distance', 'above')];
}
