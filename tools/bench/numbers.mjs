/**
 * Numbers on [-scale, scale), the same for a seed wherever they are drawn: here, in the kernel's own benchmark
 * (native/crates/lstm/examples/bench.rs) and in the peers' (tools/bench/peers/numbers.py).
 */
export function filled(length, scale, seed) {
  let state = seed;
  const out = new Float32Array(length);
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    out[i] = (state / 2 ** 31 - 1) * scale;
  }
  return out;
}

/** Values of a result that are compared with other programs'. */
const PROBES = 64;

/** Evenly spaced values of a result. */
export function probe(values) {
  const count = Math.min(PROBES, values.length);
  return Array.from({ length: count }, (_, i) => values[Math.floor((i * values.length) / count)]);
}
