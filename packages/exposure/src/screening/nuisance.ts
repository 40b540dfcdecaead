import type { Panel, Span } from '@macrograd/core';
import { AddedVariableTest } from './added_variable.js';
import { Basis, dot, subtract } from './basis.js';
import { combinePValues } from './combine.js';
import { atRows, observedPatterns, observedReturns } from './patterns.js';
import type { Term, TermSet } from './terms.js';

/** Assets that terms are selected with; more would change no selection and cost time. */
const MOST_ASSETS = 200;

/** Terms selected at most. */
const MOST_TERMS = 16;

/** Error rate of the whole selection. */
const LEVEL = 0.05;

/** One pattern's equations while terms are added. */
interface Equations {
  readonly candidates: (Float64Array | undefined)[];
  basis: Basis;
  readonly residuals: Float64Array[];
}

/**
 * Delayed, bent and multiplied terms that the universe as a whole speaks for, best first (forward selection; a term's
 * evidence is the combination of its p-values over assets, Bonferroni over terms). As controls they keep one factor's
 * delayed or state-dependent effect from passing for another's (the double selection of Belloni, Chernozhukov and
 * Hansen 2014); one too many costs a degree of freedom and no more.
 */
export function selectNuisance(panel: Panel, span: Span, terms: TermSet, lags: number): Term[] {
  const { extra } = terms;
  const equations = openEquations(panel, span, terms);
  const selected: number[] = [];
  while (selected.length < MOST_TERMS) {
    const evidence = extra.map((_, term) => (selected.includes(term) ? 1 : universePValue(equations, term, lags)));
    const best = evidence.reduce((at, p, term) => (p < evidence[at] ? term : at), 0);
    if (!(evidence[best] * extra.length <= LEVEL)) break;
    selected.push(best);
    for (const equation of equations) addTerm(equation, best);
  }
  return selected.map((term) => extra[term]);
}

function openEquations(panel: Panel, span: Span, terms: TermSet): Equations[] {
  const step = Math.max(1, Math.ceil(panel.assets.length / MOST_ASSETS));
  const least = 2 * (terms.always.length + terms.states.length + terms.linear.length + MOST_TERMS);
  return observedPatterns(panel, span).flatMap((pattern) => {
    const assets = pattern.assets.filter((asset) => asset % step === 0);
    if (assets.length === 0 || pattern.rows.length < least) return [];
    const regressors = [...terms.always, ...terms.states, ...terms.linear].map((column) =>
      atRows(column, pattern.rows),
    );
    const basis = Basis.empty.with(regressors);
    return [
      {
        candidates: terms.extra.map(({ values }) => basis.remainder(atRows(values, pattern.rows))),
        basis,
        residuals: assets.map((asset) => basis.residual(observedReturns(panel, span, pattern, asset))),
      },
    ];
  });
}

function universePValue(equations: readonly Equations[], term: number, lags: number): number {
  const pValues = equations.flatMap(({ candidates, basis, residuals }) => {
    const left = candidates[term];
    if (!left) return [];
    const test = new AddedVariableTest(basis, left, lags);
    return residuals.map((residual) => ({ pValue: test.of(residual).pValue, weight: 1 }));
  });
  const combined = combinePValues(pValues);
  return Number.isNaN(combined) ? 1 : combined;
}

/** Takes a term into the equations: what it explains leaves residuals and candidates. */
function addTerm(equation: Equations, term: number): void {
  const left = equation.candidates[term];
  if (!left) return;
  const length = Math.sqrt(dot(left, left));
  const direction = left.map((value) => value / length);
  equation.basis = equation.basis.with([direction]);
  for (const residual of equation.residuals) subtract(residual, direction, dot(direction, residual));
  equation.candidates.forEach((candidate, at) => {
    if (!candidate) return;
    const before = dot(candidate, candidate);
    subtract(candidate, direction, dot(direction, candidate));
    if (at === term || dot(candidate, candidate) < 1e-7 * before) equation.candidates[at] = undefined;
  });
}
