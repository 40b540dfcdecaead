import { MacrogradError } from '@macrograd/core';
import { fetchBinding } from '@macrograd/kernel-wasm';
import type * as binding from '#binding';

let loaded: typeof binding | undefined;

/** The binding, once it has been loaded. */
export function loadedBinding(): typeof binding {
  if (!loaded) {
    throw new MacrogradError('native_failure', 'the kernel is not loaded yet', { remedy: 'await loadKernel() first' });
  }
  return loaded;
}

/** Fetches and compiles the module unless that was done. */
export async function prepareBinding(url?: URL | string): Promise<void> {
  loaded ??= (await fetchBinding(url)) as unknown as typeof binding;
}
