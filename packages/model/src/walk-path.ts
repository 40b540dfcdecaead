import type { FactorPanel, Span } from '@macrograd/core';
import type { ClosedFormFit, MemberWalks, WalkGroups } from '@macrograd/kernel';

/** What the path of heads that walk is read from, while the fit is in memory; stored models keep the last heads alone. */
export interface WalkPath {
  readonly span: Span;
  /** Dates of the rows of the span. */
  readonly dates: Int32Array;
  /** [row of the span][asset], standardised. */
  readonly returns: Float64Array;
  /** One a member. */
  readonly walks: readonly MemberWalks[];
  readonly groups: WalkGroups;
}

/** The path of a fit whose heads walk; none of one whose heads stand still. */
export function walkPath(
  fit: ClosedFormFit,
  { axis }: FactorPanel,
  span: Span,
  returns: Float64Array,
): WalkPath | undefined {
  const walks = fit.members.flatMap((member) => (member.walks ? [member.walks] : []));
  const dates = axis.dates.slice(span.start, span.end);
  return fit.walkGroups && { span, dates, returns, walks, groups: fit.walkGroups };
}

/** Whether inputs have the path's dates at its rows; other inputs are later ones, or none that the path knows. */
export function isOfPath({ axis }: FactorPanel, { span, dates }: WalkPath): boolean {
  return dates.every((date, i) => axis.dates[span.start + i] === date);
}

/** Parts of a span inside and outside of a path, in order. */
export function splitByPath(span: Span, path: Span): { readonly span: Span; readonly inside: boolean }[] {
  const cuts = [span.start, ...[path.start, path.end].filter((cut) => cut > span.start && cut < span.end), span.end];
  return cuts.slice(1).map((end, i) => {
    const start = cuts[i];
    return { span: { start, end }, inside: start >= path.start && end <= path.end };
  });
}
