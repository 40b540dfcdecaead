import type { Band } from './page-data.js';

/**
 * Compact form of lines with intervals: each is rounded to 1/4095 of its largest absolute value (finer than a pixel),
 * and written as differences from the last value present, zigzag, seven bits a byte; a 0 byte is a missing value.
 * The page deflates the bytes, which makes steps and repeats nearly free.
 */
const LEVELS = 4095;

/** Collects bands; `bytes` is their concatenation. */
export class BandWriter {
  private readonly out: number[] = [];

  /** Appends one band. */
  write(band: Band): void {
    let largest = 0;
    for (const part of [band.value, band.lo, band.hi]) {
      for (const x of part) if (Math.abs(x) > largest) largest = Math.abs(x);
    }
    const step = new Float32Array([largest / LEVELS || 1]);
    this.out.push(...new Uint8Array(step.buffer));
    const n = band.value.length;
    const width = (end: Float64Array, sign: number) => {
      const half = new Float64Array(n);
      for (let i = 0; i < n; i++) half[i] = sign * (end[i] - band.value[i]);
      return half;
    };
    const below = width(band.lo, -1);
    const above = width(band.hi, 1);
    this.sequence(band.value, step[0]);
    this.sequence(below, step[0]);
    // Most intervals are symmetric: the difference of the two halves is then all zero.
    for (let i = 0; i < n; i++) above[i] = Math.round(above[i] / step[0]) - Math.round(below[i] / step[0]);
    this.sequence(above, 1);
  }

  /** All bands so far. */
  bytes(): Uint8Array {
    return Uint8Array.from(this.out);
  }

  private sequence(values: Float64Array, step: number): void {
    let last = 0;
    for (const value of values) {
      if (Number.isNaN(value)) {
        this.out.push(0);
        continue;
      }
      const level = Math.round(value / step);
      const delta = level - last;
      last = level;
      // Zigzag: 0, -1, 1, -2, ... become 0, 1, 2, 3, ...; 1 is added because 0 means missing.
      let token = (delta >= 0 ? 2 * delta : -2 * delta - 1) + 1;
      while (token > 127) {
        this.out.push((token & 127) | 128);
        token >>>= 7;
      }
      this.out.push(token);
    }
  }
}

/** Reads what {@link BandWriter} wrote, in the same order and with the same lengths. */
export class BandReader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** The next band, of `n` points. */
  read(n: number): Band {
    const step = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at, 4).getFloat32(0, true);
    this.at += 4;
    const value = this.sequence(n);
    const lo = this.sequence(n);
    const hi = this.sequence(n);
    for (let i = 0; i < n; i++) {
      hi[i] = (value[i] + lo[i] + hi[i]) * step;
      lo[i] = (value[i] - lo[i]) * step;
      value[i] *= step;
    }
    return { value, lo, hi };
  }

  private sequence(n: number): Float64Array {
    const out = new Float64Array(n).fill(Number.NaN);
    let last = 0;
    for (let i = 0; i < n; i++) {
      const token = this.token();
      if (token === 0) continue;
      const zigzag = token - 1;
      last += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
      out[i] = last;
    }
    return out;
  }

  private token(): number {
    let token = 0;
    let shift = 0;
    for (;;) {
      const byte = this.bytes[this.at++];
      token |= (byte & 127) << shift;
      if (byte < 128) return token;
      shift += 7;
    }
  }
}
