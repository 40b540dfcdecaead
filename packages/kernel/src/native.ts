import { CancelledError, type ErrorCode, MacrogradError } from '@macrograd/core';
import { loadedBinding, prepareBinding } from '#backend';
import type * as binding from '#binding';

/** What every long call of the kernel takes. */
export interface RunOptions {
  /** Threads to use; default 0 = all cores. Results have the same bits for any number. */
  readonly threads?: number;
  /** Stops the work soon after it is aborted; the promise then rejects with a CancelledError. */
  readonly signal?: AbortSignal;
  /** Called with the fraction done, in [0, 1], at most every 50 ms. */
  readonly onProgress?: (fraction: number) => void;
}

/** The last three arguments of every asynchronous native entry. */
export type NativeRun = [threads: number, token: binding.CancelToken, onProgress: ((fraction: number) => void) | null];

const knownCodes: ReadonlySet<string> = new Set<ErrorCode>([
  'bad_input',
  'bad_argument',
  'shape_mismatch',
  'not_finite',
  'native_failure',
]);

/** Runs a synchronous native call; its errors come out as MacrogradErrors. */
export function callNative<T>(call: (native: typeof binding) => T): T {
  try {
    return call(loadedBinding());
  } catch (error) {
    throw fromNative(error);
  }
}

/**
 * Runs an asynchronous native call with threads, cancellation and progress wired up.
 *
 * @example
 * await runNative((native, run) => native.lstmForwardF32(call, ...run), { threads: 1, signal });
 */
export async function runNative<T>(
  start: (native: typeof binding, run: NativeRun) => Promise<T>,
  options: RunOptions = {},
): Promise<T> {
  const { signal } = options;
  if (signal?.aborted) throw new CancelledError();
  const native = loadedBinding();
  const token = new native.CancelToken();
  const cancel = () => token.cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    return await start(native, [options.threads ?? 0, token, options.onProgress ?? null]);
  } catch (error) {
    throw fromNative(error);
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
}

/** Native messages read `code: words`; anything else is passed on as a native failure. */
function fromNative(error: unknown): MacrogradError {
  if (error instanceof MacrogradError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const match = /^([a-z_]+): ([\s\S]*)$/.exec(message);
  if (match?.[1] === 'cancelled') return new CancelledError();
  if (match && knownCodes.has(match[1])) return new MacrogradError(match[1] as ErrorCode, match[2], { cause: error });
  return new MacrogradError('native_failure', message, { cause: error });
}

/**
 * Makes the kernel ready in a page, where it is WebAssembly that has to be fetched before any other call; once is enough.
 * In Node, where the first call loads the kernel, there is nothing to wait for.
 *
 * @param url Where `macrograd.wasm` of `@macrograd/kernel-wasm` is served; by default where the bundler put it.
 * @throws MacrogradError `native_failure` when it can't be fetched, or the browser lacks SIMD128.
 */
export async function loadKernel(url?: URL | string): Promise<void> {
  try {
    await prepareBinding(url);
  } catch (error) {
    throw fromNative(error);
  }
}

/** Version of the native crates. */
export function nativeVersion(): string {
  return callNative((native) => native.nativeVersion());
}

/**
 * Instruction set that the kernels use (`scalar`, `avx2`, `avx512`, `neon`; `simd128` in WebAssembly): the one that the environment variable
 * `MACROGRAD_ISA` names, else the widest that the processor has.
 */
export function activeIsa(): string {
  return callNative((native) => native.activeIsa());
}
