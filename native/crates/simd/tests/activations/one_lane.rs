//! A vector of one number whose products are fused by the standard library: what every fused instruction set must equal
//! to the bit, so that an exhaustive run on one of them holds for all.

use macrograd_simd::{Real, Simd};

#[derive(Clone, Copy)]
pub struct OneLane;

impl<T: Real> Simd<T> for OneLane {
    type V = T;
    const LANES: usize = 1;
    const WIDE: bool = false;

    fn splat(self, x: T) -> T {
        x
    }
    fn load(self, values: &[T]) -> T {
        values[0]
    }
    fn store(self, x: T, out: &mut [T]) {
        out[0] = x;
    }
    unsafe fn load_pointer(self, values: *const T) -> T {
        // SAFETY: the caller vouches for a readable number.
        unsafe { values.read() }
    }
    fn add(self, a: T, b: T) -> T {
        a + b
    }
    fn sub(self, a: T, b: T) -> T {
        a - b
    }
    fn mul(self, a: T, b: T) -> T {
        a * b
    }
    fn div(self, a: T, b: T) -> T {
        a / b
    }
    fn mul_add(self, a: T, b: T, c: T) -> T {
        a.mul_add(b, c)
    }
    fn neg_mul_add(self, a: T, b: T, c: T) -> T {
        (-a).mul_add(b, c)
    }
    fn min(self, a: T, b: T) -> T {
        if a < b { a } else { b }
    }
    fn max(self, a: T, b: T) -> T {
        if a > b { a } else { b }
    }
    fn abs(self, a: T) -> T {
        a.abs()
    }
    fn copy_sign(self, a: T, b: T) -> T {
        a.copy_sign(b)
    }
    fn exponent_from_low_bits(self, a: T) -> T {
        a.exponent_from_low_bits()
    }
}
