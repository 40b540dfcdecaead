/**
 * What the module asks its host for: JavaScript values by handle. Handles are places in a table that lives as long as one
 * call; 0 is undefined. The Rust side is native/crates/wasm-edge/src/host.rs, whose `Kind` numbers these kinds.
 */

type TypedArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

const FIRST_ARRAY_KIND = 5;
const OBJECT_KIND = 10;
const arrayTypes = [Float32Array, Float64Array, Int32Array, Uint32Array, Uint8Array] as const;
const kindOfType: Readonly<Record<string, number>> = { undefined: 0, boolean: 1, number: 2, string: 3 };

function kindOf(value: unknown): number {
  if (value === null) return 0;
  if (Array.isArray(value)) return 4;
  const array = arrayTypes.findIndex((type) => value instanceof type);
  if (array >= 0) return FIRST_ARRAY_KIND + array;
  return kindOfType[typeof value] ?? OBJECT_KIND;
}

/** The values of one call, and what the module said about it. */
export class HostCall {
  /** The error text that the module left. */
  failure: string | undefined;
  readonly #values: unknown[] = [undefined];
  readonly #report: (fraction: number) => boolean;

  /** @param report Hears of progress; says whether the call is to stop. */
  constructor(report: (fraction: number) => boolean) {
    this.#report = report;
  }

  /** The handle of a value. */
  hold(value: unknown): number {
    return value === undefined ? 0 : this.#values.push(value) - 1;
  }

  /** The value of a handle. */
  value<T>(handle: number): T {
    return this.#values[handle] as T;
  }

  report(fraction: number): number {
    return this.#report(fraction) ? 1 : 0;
  }
}

/** The import object's functions; `current` gives the call that is running, `memory` the module's bytes as they are now. */
export function hostImports(current: () => HostCall, memory: () => ArrayBuffer): WebAssembly.ModuleImports {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  const text = (pointer: number, length: number) => decoder.decode(new Uint8Array(memory(), pointer, length));
  const bytesOf = (value: string | TypedArray): Uint8Array =>
    typeof value === 'string'
      ? encoder.encode(value)
      : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  const hold = (value: unknown) => current().hold(value);
  return {
    kind: (handle: number) => kindOf(current().value(handle)),
    number: (handle: number) => Number(current().value(handle)),
    length: (handle: number) => {
      const value = current().value<string | unknown[] | TypedArray>(handle);
      return typeof value === 'string' ? encoder.encode(value).length : value.length;
    },
    item: (list: number, index: number) => hold(current().value<unknown[]>(list)[index]),
    property: (object: number, name: number, length: number) =>
      hold(current().value<Record<string, unknown> | null | undefined>(object)?.[text(name, length)]),
    read: (handle: number, out: number) => {
      const bytes = bytesOf(current().value(handle));
      new Uint8Array(memory(), out, bytes.length).set(bytes);
    },
    write: (handle: number, from: number) => {
      const bytes = bytesOf(current().value<TypedArray>(handle));
      bytes.set(new Uint8Array(memory(), from, bytes.length));
    },
    new_boolean: (value: number) => hold(value !== 0),
    new_number: hold,
    new_text: (pointer: number, length: number) => hold(text(pointer, length)),
    new_list: () => hold([]),
    push: (list: number, value: number) => {
      current().value<unknown[]>(list).push(current().value(value));
    },
    new_object: () => hold({}),
    set: (object: number, name: number, length: number, value: number) => {
      current().value<Record<string, unknown>>(object)[text(name, length)] = current().value(value);
    },
    new_array: (kind: number, pointer: number, length: number) =>
      hold(new arrayTypes[kind - FIRST_ARRAY_KIND](memory(), pointer, length).slice()),
    report: (fraction: number) => current().report(fraction),
    seconds: () => performance.now() / 1000,
    fail: (pointer: number, length: number) => {
      current().failure = text(pointer, length);
    },
  };
}
