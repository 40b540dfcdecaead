import { ArgumentError, type FactorMeta, type Panel, type Span } from '@macrograd/core';
import { AddedVariableTest } from './added_variable.js';
import { Basis } from './basis.js';
import { combinePValues, type WeightedPValue } from './combine.js';
import { selectNuisance } from './nuisance.js';
import { atRows, observedPatterns, observedReturns, type Pattern } from './patterns.js';
import { type Term, type TermKind, type TermSet, termSet } from './terms.js';

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
  /** Column of the inputs that this product is with; -1 without any. */
  readonly interactionPartner: Int32Array;
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
    interactionPartner: new Int32Array(cells).fill(-1),
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

/** One equation of a pattern: a basis of controls, a regressor on top, and the residuals of the pattern's assets. */
interface Equation {
  readonly term: Term;
  readonly test: AddedVariableTest;
  readonly residuals: readonly Float64Array[];
}

function screenPattern(panel: Panel, span: Span, pattern: Pattern, terms: TermSet, lags: number, screen: Screen): void {
  const returns = pattern.assets.map((asset) => observedReturns(panel, span, pattern, asset));
  const own = (column: Float64Array) => atRows(column, pattern.rows);
  const always = terms.always.map(own);
  const linear = terms.linear.map(own);
  terms.factors.forEach((_, factor) => {
    const others = linear.filter((_, at) => at !== factor);
    const controls = screen.controls.filter((term) => !term.factors.includes(factor)).map(({ values }) => own(values));
    const present: Term = { kind: 'contemporaneous', factors: [factor], partner: -1, values: terms.linear[factor] };
    const plain = Basis.empty.with([...always, ...others]);
    const without = plain.with([...terms.states.map(own), ...controls]);
    const withFactor = without.with([linear[factor]]);
    const build = (basis: Basis, candidates: readonly Term[]): Equation[] => {
      const residuals = returns.map((column) => basis.residual(column));
      return candidates.flatMap((term) => {
        const left = basis.remainder(own(term.values));
        return left ? [{ term, test: new AddedVariableTest(basis, left, lags), residuals }] : [];
      });
    };
    const group = [
      ...build(without, [present]),
      ...build(
        withFactor,
        terms.extra.filter((term) => term.factors.includes(factor)),
      ),
    ];
    const linearOnly = build(plain, [present]);
    pattern.assets.forEach((asset, i) => {
      fillCell(screen, asset * terms.factors.length + factor, group, linearOnly, i);
    });
  });
}

function fillCell(
  screen: Screen,
  cell: number,
  group: readonly Equation[],
  linearOnly: readonly Equation[],
  asset: number,
): void {
  const pValues = group.map(({ test, residuals }) => test.of(residuals[asset]).pValue);
  const counts = new Map<TermKind, number>();
  for (const { term } of group) counts.set(term.kind, (counts.get(term.kind) ?? 0) + 1);
  const weighted = group.map(
    ({ term }, at): WeightedPValue => ({
      pValue: pValues[at],
      weight: KIND_WEIGHT[term.kind] / (counts.get(term.kind) ?? 1),
    }),
  );
  screen.pValue[cell] = combinePValues(weighted);
  if (linearOnly.length > 0) screen.linearPValue[cell] = linearOnly[0].test.of(linearOnly[0].residuals[asset]).pValue;
  const products = group.flatMap(({ term }, at) => (term.kind === 'product' ? [{ term, p: pValues[at] }] : []));
  if (products.length === 0) return;
  const best = products.reduce((a, b) => (b.p < a.p ? b : a));
  screen.interactionPValue[cell] = Math.min(1, best.p * products.length);
  screen.interactionPartner[cell] = best.term.partner;
}
