import type { FactorPanel, Span } from '@macrograd/core';

/**
 * Windows of raw factors as the exported graph takes them: [batch][time][series], one window a row of the span, its
 * last step that row. Steps before the panel's first row are NaN, which the graph fills as the model does.
 *
 * @example
 * factorWindows(panel.inputs, { start: 0, end: 12 }, 36); // 12 windows of 36 months
 */
export function factorWindows(inputs: FactorPanel, span: Span, time: number): Float32Array {
  const series = inputs.factors.length;
  const stride = time * series;
  const out = new Float32Array((span.end - span.start) * stride).fill(Number.NaN);
  for (let row = span.start; row < span.end; row++) {
    const steps = Math.min(time, row + 1);
    const window = inputs.values.subarray((row + 1 - steps) * series, (row + 1) * series);
    out.set(window, (row - span.start) * stride + (time - steps) * series);
  }
  return out;
}
