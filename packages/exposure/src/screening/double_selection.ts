import type { Panel, Span } from '@macrograd/core';
import { normalQuantile } from '../normal.js';
import { AddedVariableTest } from './added_variable.js';
import { Basis, dot } from './basis.js';
import { gramMatrix, lasso } from './lasso.js';
import { atRows, observedPatterns, observedReturns, type Pattern } from './patterns.js';
import { hacLags, type ScreenOptions } from './screen.js';
import { type TermSet, termSet } from './terms.js';

/** Slack of the penalty over the noise, c of Belloni, Chernozhukov and Hansen (2014). */
const SLACK = 1.1;

/** Rounds in which the penalties' loadings are read off the residuals. */
const ROUNDS = 3;

/**
 * Double-selection LASSO (Belloni, Chernozhukov and Hansen 2014), the linear twin of the screen: p-values of "no effect in
 * the same period", [asset][factor]. A LASSO of the return and one of the factor choose among the other factors and their
 * delayed, bent and multiplied terms; the factor's coefficient is tested with whatever either has chosen held fixed, by a
 * HAC t-test that is right in the far tail.
 *
 * @example
 * const { selected } = adaptiveBenjaminiHochberg(doubleSelection(panel, { start: 0, end: 600 }), 0.1);
 */
export function doubleSelection(panel: Panel, span: Span, options: ScreenOptions = {}): Float64Array {
  const terms = termSet(panel.inputs, span);
  const lags = options.lags ?? hacLags(span.end - span.start, panel.horizon);
  const pValues = new Float64Array(panel.assets.length * terms.factors.length).fill(Number.NaN);
  const least = options.minObservations ?? Math.max(24, 2 * (terms.always.length + terms.linear.length));
  for (const pattern of observedPatterns(panel, span)) {
    if (pattern.rows.length >= least) selectPattern(panel, span, pattern, terms, lags, pValues);
  }
  return pValues;
}

function selectPattern(panel: Panel, span: Span, pattern: Pattern, terms: TermSet, lags: number, out: Float64Array) {
  const own = (column: Float64Array) => atRows(column, pattern.rows);
  const free = Basis.empty.with([...terms.always, ...terms.states].map(own));
  const columns = [...terms.linear, ...terms.extra.map(({ values }) => values)].map((column) =>
    free.residual(own(column)),
  );
  const about = [...terms.factors.map((_, factor) => [factor]), ...terms.extra.map(({ factors }) => factors)];
  const gram = gramMatrix(columns);
  const returns = pattern.assets.map((asset) => free.residual(observedReturns(panel, span, pattern, asset)));
  terms.factors.forEach((_, factor) => {
    const isControl = about.map((factors) => !factors.includes(factor));
    const ofFactor = selected(columns, gram, columns[factor], isControl);
    const tests = new Map<string, AddedVariableTest | undefined>();
    const bases = new Map<string, Basis>();
    pattern.assets.forEach((asset, i) => {
      const ofReturn = selected(columns, gram, returns[i], isControl);
      const kept = columns.filter((_, k) => ofFactor[k] || ofReturn[k]);
      // Assets that choose alike share the projection.
      const key = ofReturn.map((yes, k) => (yes && !ofFactor[k] ? `${k},` : '')).join('');
      const basis = bases.get(key) ?? free.with(kept);
      bases.set(key, basis);
      if (!tests.has(key)) {
        const left = basis.remainder(columns[factor]);
        tests.set(key, left && new AddedVariableTest(basis, left, lags));
      }
      const test = tests.get(key);
      if (test) out[asset * terms.factors.length + factor] = test.of(basis.residual(returns[i])).pValue;
    });
  });
}

/** Which controls a LASSO of the target keeps, with the penalty of its theory: c / sqrt(n) q(1 - g / 2p) SD(x_k e). */
function selected(
  columns: readonly Float64Array[],
  gram: Float64Array,
  target: Float64Array,
  isControl: readonly boolean[],
): boolean[] {
  const n = target.length;
  const controls = isControl.filter(Boolean).length;
  if (controls === 0) return isControl.map(() => false);
  const size = (SLACK / Math.sqrt(n)) * normalQuantile(1 - 0.05 / Math.log(n) / controls);
  const products = Float64Array.from(columns, (column) => dot(column, target) / n);
  const scale = Math.sqrt(dot(target, target) / n);
  const coefficients = new Float64Array(columns.length);
  for (let round = 0; round < ROUNDS; round++) {
    const residual = target.slice();
    coefficients.forEach((value, k) => {
      if (value === 0) return;
      for (let t = 0; t < n; t++) residual[t] -= value * columns[k][t];
    });
    const penalties = Float64Array.from(columns, (column, k) => {
      if (!isControl[k]) return Number.POSITIVE_INFINITY;
      let sum = 0;
      for (let t = 0; t < n; t++) sum += (column[t] * residual[t]) ** 2;
      return size * Math.sqrt(sum / n);
    });
    lasso(gram, products, penalties, scale, coefficients);
  }
  return Array.from(coefficients, (value) => value !== 0);
}
