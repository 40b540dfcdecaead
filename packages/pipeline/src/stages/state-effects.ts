import type { FactorPanel, MethodId } from '@macrograd/core';
import {
  BARELY_SEEN_SIDE,
  benjaminiHochberg,
  type ExposureCube,
  type ExposureSummary,
  exposureCurve,
  type Screen,
  signChange,
  type Threshold,
} from '@macrograd/exposure';
import { INTERVAL_COVERAGE, SCREENING_LEVEL } from '../levels.js';

/** How the exposure of one asset and factor depends on the state of the economy. */
export interface StateEffects {
  /** Where it changes its sign; undefined where a change is not provable or the sign stays. */
  readonly threshold: Threshold | undefined;
  /** The series along which the exposure changes most surely, and its unit. */
  readonly thresholdVariable: string | undefined;
  readonly thresholdUnit: string | undefined;
  /** Of no change; NaN where untested. */
  readonly thresholdPValue: number;
  /** Series that the exposure depends on together with the factor's own move; undefined where none is provable. */
  readonly topInteraction: string | undefined;
  /** Whether training has seen today's side of the threshold, or without one today's state. */
  readonly inRegime: boolean;
}

/** Methods whose exposures depend on the state, so that a threshold can be read off them. */
export function dependsOnState(method: MethodId): boolean {
  return method === 'lstm' || method === 'spline';
}

/** Reads thresholds off a method's exposures, block by block of assets. */
export class ThresholdReader {
  /** [asset][factor] */
  readonly found = new Map<number, Threshold>();
  private readonly provable: Uint8Array;
  private readonly latest: Float64Array;

  constructor(
    private readonly screen: Screen,
    private readonly inputs: FactorPanel,
  ) {
    this.provable = benjaminiHochberg(screen.thresholdPValue, SCREENING_LEVEL).selected;
    this.latest = latestValues(inputs);
  }

  /** Takes the exposures of a block of assets at all dates. */
  add(cube: ExposureCube): void {
    const factors = cube.factors.length;
    for (let asset = cube.assets.start; asset < cube.assets.end; asset++) {
      for (let factor = 0; factor < factors; factor++) {
        const cell = asset * factors + factor;
        if (this.provable[cell] === 0) continue;
        const variable = this.screen.thresholdVariable[cell];
        const curve = exposureCurve(cube, this.inputs, { asset, factor, variable });
        const threshold = signChange(curve, this.latest[variable], INTERVAL_COVERAGE);
        if (threshold) this.found.set(cell, threshold);
      }
    }
  }
}

/** State effects of every asset and factor as one method sees them, [asset][factor]. */
export function stateEffects(
  { method, regime }: ExposureSummary,
  screen: Screen,
  inputs: FactorPanel,
  thresholds: ReadonlyMap<number, Threshold>,
): StateEffects[] {
  const interacts = benjaminiHochberg(screen.interactionPValue, SCREENING_LEVEL).selected;
  const seesStates = dependsOnState(method);
  return Array.from(screen.thresholdPValue, (thresholdPValue, cell): StateEffects => {
    const variable = seesStates ? inputs.factors[screen.thresholdVariable[cell]] : undefined;
    const partner = seesStates && interacts[cell] === 1 ? inputs.factors[screen.interactionPartner[cell]] : undefined;
    const threshold = thresholds.get(cell);
    return {
      threshold,
      thresholdVariable: variable?.name,
      thresholdUnit: variable?.unit,
      thresholdPValue: seesStates ? thresholdPValue : Number.NaN,
      topInteraction: partner?.name,
      inRegime: threshold ? threshold.share >= BARELY_SEEN_SIDE : regime.inRegime,
    };
  });
}

/** Last observed value of every series. */
function latestValues({ values, factors }: FactorPanel): Float64Array {
  const latest = new Float64Array(factors.length).fill(Number.NaN);
  values.forEach((value, at) => {
    if (!Number.isNaN(value)) latest[at % factors.length] = value;
  });
  return latest;
}
