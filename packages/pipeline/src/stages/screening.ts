import type { Panel } from '@macrograd/core';
import {
  adaptiveBenjaminiHochberg,
  doubleSelection,
  knockoffScreen,
  type Screen,
  stabilitySelection,
} from '@macrograd/exposure';
import { TableBuilder, type TableData } from '@macrograd/store';
import type { RunConfig } from '../config/config.js';
import { SCREENING_LEVEL } from '../levels.js';

/** `screening`: what each further procedure says of every pair, ordered by asset, factor; undefined where none is asked for. */
export function screeningTable(
  panel: Panel,
  screen: Screen,
  { alsoScreen, seed }: Pick<RunConfig, 'alsoScreen' | 'seed'>,
): TableData<'screening'> | undefined {
  if (alsoScreen.length === 0) return undefined;
  const span = { start: 0, end: panel.axis.dates.length };
  const options = { level: SCREENING_LEVEL, seed };
  const twin = alsoScreen.includes('double_selection') ? doubleSelection(panel, span) : undefined;
  const controlled = twin && adaptiveBenjaminiHochberg(twin, SCREENING_LEVEL);
  const stability = alsoScreen.includes('stability') ? stabilitySelection(panel, span, options) : undefined;
  const knockoff = alsoScreen.includes('knockoff') ? knockoffScreen(panel, span, options) : undefined;
  const table = new TableBuilder('screening');
  screen.pValue.forEach((pValue, cell) => {
    table.append({
      asset: panel.assets[Math.floor(cell / screen.factors.length)].name,
      factor: screen.factors[cell % screen.factors.length].name,
      p_value: pValue,
      linear_p_value: screen.linearPValue[cell],
      double_selection_p_value: twin?.[cell] ?? Number.NaN,
      double_selection_q_value: controlled?.qValues[cell] ?? Number.NaN,
      stability: stability?.frequency[cell] ?? Number.NaN,
      stability_selected: stability ? stability.selected[cell] === 1 : null,
      knockoff: knockoff?.statistic[cell] ?? Number.NaN,
      knockoff_selected: knockoff ? knockoff.selected[cell] === 1 : null,
    });
  });
  return table.finish();
}
