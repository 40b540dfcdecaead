import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { ArgumentError, MacrogradError } from '@macrograd/core';
import { compileBinding, moduleUrl } from '@macrograd/kernel-wasm';
import type * as binding from '#binding';

let loaded: typeof binding | undefined;

/** The binding: the native one where there is a binary for this platform, else WebAssembly; loaded by the first call. */
export function loadedBinding(): typeof binding {
  loaded ??= choose(process.env.MACROGRAD_KERNEL);
  return loaded;
}

/** Loads the binding, which wants no address in Node. */
export async function prepareBinding(_url?: URL | string): Promise<void> {
  loadedBinding();
}

function choose(kernel: string | undefined): typeof binding {
  if (kernel === 'wasm') return webAssembly();
  if (kernel && kernel !== 'native') {
    throw new ArgumentError(`MACROGRAD_KERNEL is "${kernel}"`, 'use native or wasm, or leave it unset');
  }
  try {
    return createRequire(import.meta.url)('#binding');
  } catch (error) {
    const reason = `no native kernel for ${process.platform}-${process.arch}: ${firstLine(error)}`;
    if (kernel === 'native') {
      throw new MacrogradError('native_failure', reason, {
        remedy: 'unset MACROGRAD_KERNEL to use WebAssembly',
        cause: error,
      });
    }
    process.emitWarning(`${reason}; WebAssembly takes its place, on one thread and some times slower`, {
      code: 'MACROGRAD_KERNEL_WASM',
    });
    return webAssembly();
  }
}

function webAssembly(): typeof binding {
  const file = fileURLToPath(moduleUrl);
  try {
    return compileBinding(readFileSync(file)) as unknown as typeof binding;
  } catch (error) {
    throw new MacrogradError('native_failure', `the WebAssembly kernel can't be loaded: ${firstLine(error)}`, {
      remedy: 'build it with "node tools/setup/build-wasm.mjs"',
      cause: error,
    });
  }
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0];
}
