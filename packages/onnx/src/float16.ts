/** Largest finite half-precision number. */
const LARGEST = 65504;
/** Exponent of the smallest normal half-precision number; below it numbers are multiples of 2^-24. */
const LEAST_EXPONENT = -14;
const MANTISSA_BITS = 10;

/**
 * Bits of the half-precision number (IEEE 754 binary16) nearest to `value`, ties to even; what is larger than the
 * largest finite one becomes that one, since an infinite weight would be of no use.
 */
export function toFloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = Object.is(Math.sign(value), -0) || value < 0 ? 0x8000 : 0;
  const size = Math.min(Math.abs(value), LARGEST);
  if (size === 0) return sign;
  const exponent = Math.max(Math.floor(Math.log2(size)), LEAST_EXPONENT);
  // In units of the last place; 2^10 .. 2^11 for normal numbers, and carrying into the exponent is what addition does.
  const units = roundToEven(size / 2 ** (exponent - MANTISSA_BITS));
  return sign | (((exponent - LEAST_EXPONENT) << MANTISSA_BITS) + units);
}

function roundToEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  if (rest !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}
