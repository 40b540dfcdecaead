import { ArgumentError, type FactorMeta, type Panel, type Span } from '@macrograd/core';
import { AddedVariableTest } from './added_variable.js';
import { Basis } from './basis.js';
import { combinePValues } from './combine.js';
import { selectNuisance } from './nuisance.js';
import { atRows, observedPatterns, observedReturns, type Pattern } from './patterns.js';
import { supPValue } from './sup_test.js';
import { SWITCH_QUANTILES, type Term, type TermKind, type TermSet, termSet } from './terms.js';

export interface ScreenOptions {
  /** Lags of the HAC kernel; default floor(4 (n / 100)^(2/9)), and at least the panel's horizon - 1. */
  readonly lags?: number;
  /** Fewest returns of an asset; default max(24, twice the number of regressors). */
  readonly minObservations?: number;
}

/** Which factors move which assets, and how. All arrays are [asset][factor], row-major. */
export interface Screen {
  readonly factors: readonly FactorMeta[];
  /** Of "the factor moves the asset in no way": at once, delayed, beyond a level, or together with another series. */
  readonly pValue: Float64Array;
  /** Of "no linear effect in the same period": the coefficient of least squares on all factors and controls. */
  readonly linearPValue: Float64Array;
  /** Of the strongest product with another factor or state, Bonferroni over the products. */
  readonly interactionPValue: Float64Array;
  /** Coefficient of this product, decimal return per SD and SD, and its standard error. */
  readonly interaction: Float64Array;
  readonly interactionSe: Float64Array;
  /** Column of the inputs that this product is with; -1 without any. */
  readonly interactionPartner: Int32Array;
  /**
   * Of "the exposure does not change with the factor's own level or a state": the largest of a path of tests along each
   * variable, Bonferroni over the variables.
   */
  readonly thresholdPValue: Float64Array;
  /** Column of the inputs along which it changes most surely; -1 where nothing could be tested. */
  readonly thresholdVariable: Int32Array;
  /** Of "the exposure does not change at any date". */
  readonly breakPValue: Float64Array;
  /** Row of the panel from which it differs most surely, to within 7 % of the rows; -1 where nothing could be tested. */
  readonly breakRow: Int32Array;
  /** Terms that the universe as a whole asked for as controls. */
  readonly controls: readonly Term[];
}

/** Weight of each kind of term in a pair's test: most of the power for the plain exposure, the rest shared. */
const KIND_WEIGHT: Readonly<Record<TermKind, number>> = { contemporaneous: 0.82, lag: 0.08, bend: 0.04, product: 0.06 };

/**
 * Tests every factor on every asset of a panel, with all other factors held fixed: a group of t-tests that are right in
 * the far tail (same period, three stretches of lags, three bends, products with factors and states), combined to one
 * p-value. Controls of one factor's test are the other factors, and those of their delayed or state-dependent terms
 * that the universe as a whole asks for. Derivation and calibration: docs/methods/screening.md.
 *
 * @example
 * const { pValue } = screenFactors(panel, { start: 0, end: 600 });
 * const { selected } = adaptiveBenjaminiHochberg(pValue, 0.1);
 */
export function screenFactors(panel: Panel, span: Span, options: ScreenOptions = {}): Screen {
  if (!(span.start >= 0 && span.end <= panel.axis.dates.length && span.start < span.end)) {
    throw new ArgumentError(
      `span ${span.start}..${span.end} does not lie in a panel of ${panel.axis.dates.length} rows`,
    );
  }
  const terms = termSet(panel.inputs, span);
  const lags = options.lags ?? hacLags(span.end - span.start, panel.horizon);
  const controls = selectNuisance(panel, span, terms, lags);
  const cells = panel.assets.length * terms.factors.length;
  const screen = {
    factors: terms.factors,
    pValue: new Float64Array(cells).fill(Number.NaN),
    linearPValue: new Float64Array(cells).fill(Number.NaN),
    interactionPValue: new Float64Array(cells).fill(Number.NaN),
    interaction: new Float64Array(cells).fill(Number.NaN),
    interactionSe: new Float64Array(cells).fill(Number.NaN),
    interactionPartner: new Int32Array(cells).fill(-1),
    thresholdPValue: new Float64Array(cells).fill(Number.NaN),
    thresholdVariable: new Int32Array(cells).fill(-1),
    breakPValue: new Float64Array(cells).fill(Number.NaN),
    breakRow: new Int32Array(cells).fill(-1),
    controls,
  };
  const regressors = terms.always.length + terms.states.length + terms.linear.length + controls.length;
  const least = options.minObservations ?? Math.max(24, 2 * regressors);
  for (const pattern of observedPatterns(panel, span)) {
    if (pattern.rows.length >= least) screenPattern(panel, span, pattern, terms, lags, screen);
  }
  return screen;
}

/** Lags of the HAC kernel: the automatic rule, and as many as overlapping returns ask for. */
export function hacLags(rows: number, horizon: number): number {
  return Math.max(Math.floor(4 * (rows / 100) ** (2 / 9)), horizon - 1);
}

/** A regressor on top of an equation. */
interface Candidate {
  readonly kind: TermKind;
  readonly partner: number;
  readonly test: AddedVariableTest;
}

/** The tests of one factor for the assets of a pattern. */
interface FactorTests {
  /** In the same period, with the others of the same period alone held fixed. */
  readonly plain: readonly Candidate[];
  /** In the same period, with every control held fixed. */
  readonly present: readonly Candidate[];
  /** On top of the factor itself. */
  readonly further: readonly Candidate[];
  readonly switches: readonly { readonly variable: number; readonly path: readonly AddedVariableTest[] }[];
  /** Tests of an exposure that changes at a row of the panel. */
  readonly dates: readonly { readonly row: number; readonly test: AddedVariableTest }[];
}

function screenPattern(panel: Panel, span: Span, pattern: Pattern, terms: TermSet, lags: number, screen: Screen): void {
  const returns = pattern.assets.map((asset) => observedReturns(panel, span, pattern, asset));
  const own = (column: Float64Array) => atRows(column, pattern.rows);
  const always = terms.always.map(own);
  const states = terms.states.map(own);
  const linear = terms.linear.map(own);
  terms.factors.forEach((_, factor) => {
    const others = linear.filter((_, at) => at !== factor);
    const controls = screen.controls.filter((term) => !term.factors.includes(factor)).map(({ values }) => own(values));
    const plain = Basis.empty.with([...always, ...others]);
    const without = plain.with([...states, ...controls]);
    const basis = without.with([linear[factor]]);
    const build = (on: Basis, candidates: readonly Pick<Term, 'kind' | 'columns' | 'values'>[]): Candidate[] =>
      candidates.flatMap(({ kind, columns, values }) => {
        const left = on.remainder(own(values));
        const partner = columns.find((column) => column !== terms.columns[factor]) ?? -1;
        return left ? [{ kind, partner, test: new AddedVariableTest(on, left, lags) }] : [];
      });
    const itself = { kind: 'contemporaneous', columns: [], values: terms.linear[factor] } as const;
    const further = terms.extra.filter((term) => term.factors.includes(factor));
    const addedTo = (column: Float64Array): AddedVariableTest[] => {
      const left = basis.remainder(column);
      return left ? [new AddedVariableTest(basis, left, lags)] : [];
    };
    const tests: FactorTests = {
      plain: build(plain, [itself]),
      present: build(without, [itself]),
      further: build(basis, further),
      switches: terms.switches
        .filter((path) => path.factor === factor)
        .map(({ variable, values }) => ({ variable, path: values.flatMap((column) => addedTo(own(column))) })),
      // Along the asset's own rows, so that one that starts late is parted within its own span.
      dates: SWITCH_QUANTILES.flatMap((share) => {
        const from = Math.floor(share * pattern.rows.length);
        const late = linear[factor].map((value, t) => (t >= from ? value : 0));
        return addedTo(late).map((test) => ({ row: span.start + pattern.rows[from], test }));
      }),
    };
    pattern.assets.forEach((asset, i) => {
      const residuals = {
        plain: plain.residual(returns[i]),
        present: without.residual(returns[i]),
        further: basis.residual(returns[i]),
      };
      fillCell(screen, asset * terms.factors.length + factor, tests, residuals);
    });
  });
}

function fillCell(
  screen: Screen,
  cell: number,
  tests: FactorTests,
  residuals: Readonly<Record<'plain' | 'present' | 'further', Float64Array>>,
): void {
  const of = (step: 'plain' | 'present' | 'further') =>
    tests[step].map(({ kind, partner, test }) => ({ kind, partner, ...test.of(residuals[step]) }));
  screen.linearPValue[cell] = of('plain')[0]?.pValue ?? Number.NaN;
  const further = of('further');
  const group = [...of('present'), ...further];
  const sizes = new Map<TermKind, number>();
  for (const { kind } of group) sizes.set(kind, (sizes.get(kind) ?? 0) + 1);
  screen.pValue[cell] = combinePValues(
    group.map(({ kind, pValue }) => ({ pValue, weight: KIND_WEIGHT[kind] / (sizes.get(kind) ?? 1) })),
  );
  const product = surest(further.filter(({ kind }) => kind === 'product'));
  screen.interactionPValue[cell] = product.pValue;
  screen.interactionPartner[cell] = product.best?.partner ?? -1;
  if (product.best) {
    screen.interaction[cell] = product.best.coefficient;
    screen.interactionSe[cell] = product.best.coefficient / product.best.statistic;
  }
  const threshold = surest(
    tests.switches.map(({ variable, path }) => ({
      variable,
      pValue: supPValue(path.map((test) => test.of(residuals.further))),
    })),
  );
  screen.thresholdPValue[cell] = threshold.pValue;
  screen.thresholdVariable[cell] = threshold.best?.variable ?? -1;
  const breaks = tests.dates.map(({ row, test }) => ({ row, ...test.of(residuals.further) }));
  screen.breakPValue[cell] = supPValue(breaks);
  screen.breakRow[cell] = surest(breaks).best?.row ?? -1;
}

/** The test with the smallest p-value, and that p-value times the number of tests (Bonferroni). */
function surest<T extends { readonly pValue: number }>(tests: readonly T[]): { best: T | undefined; pValue: number } {
  const known = tests.filter(({ pValue }) => !Number.isNaN(pValue));
  if (known.length === 0) return { best: undefined, pValue: Number.NaN };
  const best = known.reduce((a, b) => (b.pValue < a.pValue ? b : a));
  return { best, pValue: Math.min(1, best.pValue * known.length) };
}
