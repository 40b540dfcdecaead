import { type Fitted, indexesOfRole, type MethodId, type Panel } from '@macrograd/core';
import { benjaminiHochberg, crossPartials, jointShock, type Screen } from '@macrograd/exposure';
import type { InteractionFinding } from '../interactions.js';
import { HALF_WIDTH, SCREENING_LEVEL } from '../levels.js';
import { dependsOnState } from './state-effects.js';

/** What is found of one asset's factor, with the method that sizes are read off: undefined where none sees states. */
export interface InteractionRow extends InteractionFinding {
  readonly method: MethodId | undefined;
}

/** Interactions of every asset and factor, ordered by asset and factor; sizes by a method only where one is provable. */
export async function interactionRows(
  panel: Panel,
  screen: Screen,
  finals: ReadonlyMap<MethodId, Fitted>,
): Promise<InteractionRow[]> {
  const { inputs, assets } = panel;
  const span = { start: 0, end: panel.axis.dates.length };
  const columns = indexesOfRole(inputs, 'factor');
  const { qValues, selected } = benjaminiHochberg(screen.interactionPValue, SCREENING_LEVEL);
  const method = [...finals.keys()].filter(dependsOnState).at(-1);
  const fitted = method && finals.get(method);
  const partials = new Map<number, Float64Array>();
  const shocks = new Map<string, Float64Array>();
  const rows: InteractionRow[] = [];
  for (let cell = 0; cell < qValues.length; cell++) {
    const partner = screen.interactionPartner[cell];
    if (partner < 0) continue;
    const [asset, factor] = [Math.floor(cell / columns.length), cell % columns.length];
    const sized = selected[cell] === 1 && fitted ? fitted : undefined;
    const key = `${columns[factor]} ${partner}`;
    if (sized && !partials.has(partner)) partials.set(partner, await crossPartials(sized, inputs, span, partner));
    if (sized && !shocks.has(key)) {
      shocks.set(key, await jointShock(sized, inputs, span, [columns[factor], partner]));
    }
    const [product, se] = [screen.interaction[cell], screen.interactionSe[cell]];
    rows.push({
      asset: assets[asset].name,
      factor: screen.factors[factor].name,
      partner: inputs.factors[partner].name,
      product,
      lo: product - HALF_WIDTH * se,
      hi: product + HALF_WIDTH * se,
      pValue: screen.interactionPValue[cell],
      qValue: qValues[cell],
      selected: selected[cell] === 1,
      method,
      crossPartial: sized ? (partials.get(partner)?.[cell] ?? Number.NaN) : Number.NaN,
      jointShock: sized ? (shocks.get(key)?.[asset] ?? Number.NaN) : Number.NaN,
    });
  }
  return rows;
}
