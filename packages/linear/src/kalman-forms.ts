import { diffuseModel, type KalmanSearch, type RegressionPanel } from '@macrograd/kernel';

/** How exposures move: see {@link KalmanEstimatorOptions.form}. */
export type KalmanForm = 'random_walk' | 'mean_reverting' | 'common';

/** Shares of a deviation left in the next row that are tried: half-lives of 2, 7, 23 and 69 rows. */
const PERSISTENCES = [0.7, 0.9, 0.97, 0.99];

/** What a set of variances is searched on. */
export interface Purpose {
  /** Nothing is known at the start, or a prior variance is estimated with the others. */
  readonly start: 'diffuse' | 'prior';
  /** One step variance and one prior variance for all factors together, as one series can't tell them apart. */
  readonly shared: boolean;
}

/** Blocks of states that add up to an exposure: its mean and the deviation from it, or itself. */
export function partsOf(form: KalmanForm): number {
  return form === 'mean_reverting' ? 2 : 1;
}

/** The design with every column once a block. */
export function widened(panel: RegressionPanel, form: KalmanForm): RegressionPanel {
  const parts = partsOf(form);
  if (parts === 1) return panel;
  const { design, rows, columns } = panel;
  const wide = new Float64Array(design.length * parts);
  for (let row = 0; row < rows; row++) {
    const own = design.subarray(row * columns, (row + 1) * columns);
    for (let part = 0; part < parts; part++) wide.set(own, (row * parts + part) * columns);
  }
  return { ...panel, design: wide, columns: columns * parts };
}

/** Searches of which the likeliest is taken; `free` columns (constant, marks) do not move. */
export function searches(form: KalmanForm, columns: number, free: readonly number[], purpose: Purpose): KalmanSearch[] {
  const places = Array.from({ length: columns }, (_, column) => column);
  const number = numbering(places, free, purpose.shared);
  const first = number(0);
  const second = number(Math.max(-1, ...first) + 1);
  const prior = purpose.start === 'prior';
  const startVariance = places.map((column) => (prior && !free.includes(column) ? 1 : Number.POSITIVE_INFINITY));
  const none = places.map(() => -1);
  if (form !== 'mean_reverting') {
    const model = { ...diffuseModel(new Float64Array(columns)), initialVariance: Float64Array.from(startVariance) };
    return [{ model, stepParameter: first, initialParameter: prior ? second : none }];
  }
  return PERSISTENCES.map((persistence) => ({
    model: {
      stepVariance: new Float64Array(2 * columns),
      initialMean: new Float64Array(2 * columns),
      initialVariance: Float64Array.from([...startVariance, ...places.map(() => 0)]),
      transition: Float64Array.from([...places.map(() => 1), ...places.map(() => persistence)]),
    },
    stepParameter: [...none, ...first],
    initialParameter: [...(prior ? second : none), ...none],
    stationary: [...places.map(() => false), ...places.map((column) => !free.includes(column))],
  }));
}

/** Parameters of the columns that move, numbered from a first one; -1 for the others. */
function numbering(places: readonly number[], free: readonly number[], shared: boolean) {
  return (from: number) => {
    let next = from;
    return places.map((column) => (free.includes(column) ? -1 : shared ? from : next++));
  };
}
