import { HostCall, hostImports } from './host.js';

/** Where the module lies; bundlers that know `new URL(..., import.meta.url)` bring it along. */
export const moduleUrl: URL = new URL('../macrograd.wasm', import.meta.url);

/** Time between two progress calls, as in the native binding. */
const PROGRESS_INTERVAL_MS = 50;

/** Stops the work that it was given to. Nothing else runs during a call, so only the call's own listener can use it. */
export class CancelToken {
  cancelled = false;

  cancel(): void {
    this.cancelled = true;
  }
}

/** The module's entries by the names that the native binding gives them, and its `CancelToken`. */
export interface WasmBinding {
  readonly CancelToken: typeof CancelToken;
  readonly [entry: string]: unknown;
}

type Entry = (values: number) => number;

/** The entries of the module with those bytes, compiled at once; a page has to use {@link fetchBinding}. */
export function compileBinding(bytes: Uint8Array<ArrayBuffer>): WasmBinding {
  return createBinding(new WebAssembly.Module(bytes));
}

/**
 * Fetches and compiles the module.
 *
 * @param url Where it is served; by default beside this program, where bundlers put it.
 * @throws Error When it can't be fetched or the browser lacks SIMD128.
 */
export async function fetchBinding(url: URL | string = moduleUrl): Promise<WasmBinding> {
  const response = await fetch(url);
  if (!response.ok) {
    const remedy = 'serve macrograd.wasm of @macrograd/kernel-wasm there or pass its address';
    throw new Error(`native_failure: ${response.url} answered ${response.status}; ${remedy}`);
  }
  return createBinding(await WebAssembly.compile(await response.arrayBuffer()));
}

/**
 * The entries of a compiled module, shaped as the native binding: same names, arguments, results and errors. Work is done
 * on the calling thread before an entry returns.
 */
function createBinding(module: WebAssembly.Module): WasmBinding {
  const calls: HostCall[] = [];
  const current = (): HostCall => {
    const call = calls.at(-1);
    if (!call) throw new Error('native_failure: the kernel called its host outside of a call');
    return call;
  };
  let instance = instantiate(module, current);

  const run = (name: string, values: unknown[]): unknown => {
    const call = new HostCall(reporter(values));
    calls.push(call);
    let result: unknown;
    try {
      result = call.value((instance.exports[name] as Entry)(call.hold(values)));
    } catch (error) {
      // What stopped in the middle never runs again: its memory is as the error left it.
      instance = instantiate(module, current);
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      const words = call.failure ?? `native_failure: the kernel stopped: ${error.message}; a module has 4 GB of memory`;
      throw new Error(words, { cause: error });
    } finally {
      calls.pop();
    }
    if (call.failure !== undefined) throw new Error(call.failure);
    return result;
  };

  const entries = WebAssembly.Module.exports(module).filter(({ kind, name }) => kind === 'function' && isEntry(name));
  const functions = entries.map(({ name }) => [name, (...values: unknown[]) => run(name, values)]);
  return { CancelToken, ...Object.fromEntries(functions) };
}

/** The linker exports names of its own, all of which start with underscores. */
function isEntry(name: string): boolean {
  return !name.startsWith('_');
}

function instantiate(module: WebAssembly.Module, current: () => HostCall): WebAssembly.Instance {
  let memory: WebAssembly.Memory;
  const instance = new WebAssembly.Instance(module, { host: hostImports(current, () => memory.buffer as ArrayBuffer) });
  memory = instance.exports.memory as WebAssembly.Memory;
  return instance;
}

/** Passes on at most one report an interval, the last one (1) always, to the listener among the values of a call. */
function reporter(values: readonly unknown[]): (fraction: number) => boolean {
  const token = values.find((value) => value instanceof CancelToken);
  const listener = values.find((value) => typeof value === 'function');
  if (!listener) return () => token?.cancelled ?? false;
  let last = Number.NEGATIVE_INFINITY;
  return (fraction) => {
    if (performance.now() - last >= PROGRESS_INTERVAL_MS || fraction >= 1) {
      last = performance.now();
      listener(fraction);
    }
    return token?.cancelled ?? false;
  };
}
