import type { Panel } from '@macrograd/core';
import { buildPanel } from './panel.js';
import type { PanelSpec } from './spec.js';

/** One score on revised and on real-time data. */
export interface BillLine {
  readonly name: string;
  /** On today's figures dated by the period that they describe. */
  readonly revised: number;
  /** On today's figures at the dates on which their first versions were known: release lags kept, revisions foreseen. */
  readonly lagged: number;
  /** On what was known. */
  readonly realTime: number;
  /** revised - realTime: what looking ahead would have earned; revised - lagged of it by dates, the rest by revisions. */
  readonly difference: number;
}

/** How far today's figures of a factor lie from what was known of the same periods. */
export interface Revision {
  readonly factor: string;
  /** Rows on which both are observed. */
  readonly rows: number;
  /** Correlation of the two. */
  readonly correlation: number;
  /** Root mean square difference over the standard deviation of the revised values. */
  readonly relative: number;
}

/** What looking ahead is worth: scores and values, revised against real-time. */
export interface LookAheadBill {
  readonly scores: readonly BillLine[];
  readonly revisions: readonly Revision[];
}

/**
 * Scores a job three times, with the same horizon and the same rows: on what was known (`timing: available`), on today's
 * figures at the same dates, and on today's figures dated by the period that they describe (`timing: reference`).
 *
 * @param score - scores of a panel by name, as out-of-sample R2 by method.
 * @example
 * const bill = await lookAheadBill(spec, async (panel) => ({ ols: await r2(panel) }));
 * bill.scores; // [{ name: 'ols', revised: .034, lagged: .027, realTime: .021, difference: .013 }]
 */
export async function lookAheadBill(
  spec: PanelSpec,
  score: (panel: Panel) => Promise<Readonly<Record<string, number>>>,
): Promise<LookAheadBill> {
  const horizon = spec.horizon ?? 1;
  const build = async (own: Partial<PanelSpec>) => (await buildPanel({ ...spec, horizon, ...own })).panel;
  const realTime = await build({ timing: 'available' });
  const lagged = onRowsOf(realTime, await build({ timing: 'available', revised: true }));
  const revised = onRowsOf(realTime, await build({ timing: 'reference' }));
  const [ahead, between, known] = [await score(revised), await score(lagged), await score(realTime)];
  const scores = Object.keys(known).map((name) => ({
    name,
    revised: ahead[name],
    lagged: between[name],
    realTime: known[name],
    difference: ahead[name] - known[name],
  }));
  return { scores, revisions: realTime.inputs.factors.map(({ name }, j) => revision(name, j, lagged, realTime)) };
}

/** A panel whose rows are the dates of another; what it does not have there is missing. */
function onRowsOf(rows: Panel, source: Panel): Panel {
  const at = new Map([...source.axis.dates].map((date, row) => [date, row]));
  const pick = (values: Float64Array, width: number) => {
    const out = new Float64Array(rows.axis.dates.length * width).fill(Number.NaN);
    rows.axis.dates.forEach((date, row) => {
      const from = at.get(date);
      if (from !== undefined) out.set(values.subarray(from * width, (from + 1) * width), row * width);
    });
    return out;
  };
  const inputs = {
    ...source.inputs,
    axis: rows.axis,
    values: pick(source.inputs.values, source.inputs.factors.length),
  };
  return { ...source, axis: rows.axis, inputs, returns: pick(source.returns, source.assets.length) };
}

function revision(factor: string, j: number, revised: Panel, realTime: Panel): Revision {
  const width = revised.inputs.factors.length;
  const pairs = [...realTime.axis.dates.keys()]
    .map((row) => [revised.inputs.values[row * width + j], realTime.inputs.values[row * width + j]])
    .filter(([x, y]) => !Number.isNaN(x + y));
  const rows = pairs.length;
  const mean = (i: 0 | 1) => pairs.reduce((sum, pair) => sum + pair[i], 0) / rows;
  const [mx, my] = [mean(0), mean(1)];
  const total = (f: (x: number, y: number) => number) => pairs.reduce((sum, [x, y]) => sum + f(x - mx, y - my), 0);
  const [sxx, syy, sxy] = [total((x) => x * x), total((_, y) => y * y), total((x, y) => x * y)];
  const squares = pairs.reduce((sum, [x, y]) => sum + (x - y) ** 2, 0);
  return { factor, rows, correlation: sxy / Math.sqrt(sxx * syy), relative: Math.sqrt(squares / sxx) };
}
