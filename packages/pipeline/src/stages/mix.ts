import type { Fitted, MethodId } from '@macrograd/core';
import type { MixParameters } from '@macrograd/onnx';

/** The mix of fits of one panel, as it is exported. */
export function mixParameters(fits: ReadonlyMap<MethodId, Fitted>, weights: ReadonlyMap<MethodId, Float64Array>) {
  const parts = [...weights].map(([method, own]) => ({ parameters: fits.get(method)!.parameters(), weights: own }));
  return { method: 'chosen', parts } satisfies MixParameters;
}
