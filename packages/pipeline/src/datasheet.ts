import { type FactorMeta, type FactorPanel, formatIsoDate, selectColumns } from '@macrograd/core';
import { collinearity, dickeyFuller, findBreak, kpss } from '@macrograd/linear';

/** What tests say of one series of a panel. */
export interface SeriesSheet {
  readonly name: string;
  /** p-value of the Dickey-Fuller test; large = may have a unit root. NaN where it can't be computed. */
  readonly unitRoot: number;
  /** p-value of the KPSS test, .01 to .10; small = not stationary. NaN where it can't be computed. */
  readonly stationary: number;
  /** First date after the likeliest break, where it is significant at 5 %. */
  readonly breakAt: string | undefined;
  /** Variance inflation factor among the factors; NaN for states and controls. */
  readonly inflation: number;
}

/** What the data are like, and what to do about it. */
export interface DataSheet {
  readonly series: readonly SeriesSheet[];
  /** Of the standardised factors over complete rows; NaN with too few of them. */
  readonly conditionNumber: number;
  readonly advice: readonly string[];
}

/** Level of the tests. */
const LEVEL = 0.05;

/** Inflation from which a factor's own exposure is hardly told from the others' (Marquardt 1970). */
const INFLATED = 10;

/** Condition number from which collinearity does harm (Belsley, Kuh and Welsch 1980). */
const ILL_CONDITIONED = 30;

/** Correlation from which two factors are named together. */
const TOGETHER = 0.9;

/** Transforms that are the change of another one. */
const CHANGE_OF: Readonly<Record<string, string>> = { diff: 'none', dlog: 'log', yoy_diff: 'yoy', pct: 'log' };

/**
 * Stationarity, breaks and collinearity of a panel's series, with advice where a test speaks.
 *
 * @example
 * dataSheet(panel.inputs).advice; // ['level and change of macro.csv: GS10 together ...']
 */
export function dataSheet(inputs: FactorPanel): DataSheet {
  const columns = inputs.factors.map((_, j) => columnOf(inputs, j));
  const isFactor = inputs.factors.map(({ role }) => role === 'factor');
  const chosen = inputs.factors.flatMap((_, j) => (isFactor[j] ? [j] : []));
  const matrix = selectColumns(inputs.values, inputs.factors.length, chosen);
  const shared = chosen.length > 1 ? collinearity(matrix, chosen.length) : undefined;
  const series = inputs.factors.map(({ name }, j): SeriesSheet => {
    const { start, values } = longestRun(columns[j]);
    const broken = findBreak(values);
    return {
      name,
      unitRoot: dickeyFuller(values)?.pValue ?? Number.NaN,
      stationary: kpss(values)?.pValue ?? Number.NaN,
      breakAt: broken?.isSignificant ? formatIsoDate(inputs.axis.dates[start + broken.at]) : undefined,
      inflation: shared?.inflation[chosen.indexOf(j)] ?? Number.NaN,
    };
  });
  const names = chosen.map((j) => inputs.factors[j].name);
  const conditionNumber = shared?.conditionNumber ?? Number.NaN;
  const advice = [
    ...levelAndChange(inputs.factors),
    ...unitRoots(series.filter((_, j) => isFactor[j])),
    ...inflated(names, series, shared?.correlations, conditionNumber),
    ...breaks(series),
  ];
  return { series, conditionNumber, advice };
}

function columnOf({ factors, values }: FactorPanel, j: number): Float64Array {
  return Float64Array.from({ length: values.length / factors.length }, (_, row) => values[row * factors.length + j]);
}

/** The longest stretch without a missing value. */
function longestRun(column: Float64Array): { start: number; values: Float64Array } {
  let best = { start: 0, end: 0 };
  for (let start = 0; start < column.length; start++) {
    let end = start;
    while (end < column.length && !Number.isNaN(column[end])) end++;
    if (end - start > best.end - best.start) best = { start, end };
    start = end;
  }
  return { start: best.start, values: column.slice(best.start, best.end) };
}

function levelAndChange(factors: readonly FactorMeta[]): string[] {
  return factors.flatMap((change) => {
    const level = factors.find(
      (other) =>
        other.source === change.source &&
        other.transform === CHANGE_OF[change.transform] &&
        other.role === 'factor' &&
        change.role === 'factor',
    );
    if (level === undefined) return [];
    const pair = `${level.name} and ${change.name} are level and change of ${change.source}`;
    return [`${pair}: together they leave partial exposures unidentified; give the level \`role: state\``];
  });
}

function unitRoots(series: readonly SeriesSheet[]): string[] {
  const found = series.filter(({ unitRoot, stationary }) => unitRoot > LEVEL && stationary < LEVEL);
  if (found.length === 0) return [];
  const names = found.map(({ name }) => name).join(', ');
  return [
    `${names}: tests can't reject a unit root and reject stationarity; take diff, dlog or yoy_diff, or \`role: state\``,
  ];
}

function inflated(
  names: readonly string[],
  series: readonly SeriesSheet[],
  correlations: Float64Array | undefined,
  conditionNumber: number,
): string[] {
  const lines = names.flatMap((name, i) => {
    const inflation = series.find((one) => one.name === name)?.inflation ?? Number.NaN;
    if (!(inflation > INFLATED)) return [];
    const mates = names.filter((_, j) => j !== i && Math.abs(correlations?.[i * names.length + j] ?? 0) > TOGETHER);
    const said = Number.isFinite(inflation) ? `variance inflation ${inflation.toFixed(0)}` : 'given exactly by others';
    const beside = mates.length > 0 ? ` beside ${mates.join(', ')}` : '';
    return [`${name} is hardly told apart${beside} (${said}): drop one, or take their difference`];
  });
  if (lines.length > 0 || !(conditionNumber > ILL_CONDITIONED)) return lines;
  return [
    `the factors are collinear (condition number ${conditionNumber.toFixed(0)}): partial exposures are uncertain`,
  ];
}

function breaks(series: readonly SeriesSheet[]): string[] {
  const found = series.filter(({ breakAt }) => breakAt !== undefined);
  if (found.length === 0) return [];
  const text = found.map(({ name, breakAt }) => `${name} (${breakAt?.slice(0, 'YYYY-MM'.length)})`).join(', ');
  return [
    `level or memory change within the span: ${text}; compare exposures before and after, or take a rolling method`,
  ];
}
