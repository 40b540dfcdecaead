import type { Fitted, MethodId, Panel } from '@macrograd/core';
import { effectiveMemory } from '@macrograd/model';
import type { NetworkRecord } from '@macrograd/store';

/** The effective memory of the LSTM fitted on the whole span; undefined where there is none. */
export async function networkRecord(
  panel: Panel,
  finals: ReadonlyMap<MethodId, Fitted>,
): Promise<NetworkRecord | undefined> {
  const parameters = finals.get('lstm')?.parameters();
  if (parameters?.method !== 'lstm') return undefined;
  const span = { start: 0, end: panel.axis.dates.length };
  const { lookback, periods, retention } = await effectiveMemory(parameters, panel.inputs, span);
  const lagCounts = 'mode' in parameters ? [] : parameters.members.map(({ lagCount }) => lagCount - 1);
  const filters = Math.max(0, ...lagCounts);
  return { lookback, effective_memory: periods, lag_filters: filters, retention: Array.from(retention) };
}
