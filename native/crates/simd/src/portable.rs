//! Vectors as plain arrays: what any processor can do, and the stand-in for wide vectors in tests.

use crate::{Real, Simd};

/// `N` lanes without any instruction-set extension; `WIDE` as [`Simd::WIDE`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portable<const N: usize, const WIDE: bool>;

/// Applies an expression to every lane.
macro_rules! lanes {
    ($n:ident, |$lane:ident| $value:expr) => {{
        let mut out = [T::ZERO; $n];
        for $lane in 0..$n {
            out[$lane] = $value;
        }
        out
    }};
}

impl<T: Real, const N: usize, const WIDE: bool> Simd<T> for Portable<N, WIDE> {
    type V = [T; N];
    const LANES: usize = N;
    const WIDE: bool = WIDE;

    #[inline(always)]
    fn splat(self, x: T) -> Self::V {
        [x; N]
    }
    #[inline(always)]
    fn load(self, values: &[T]) -> Self::V {
        let values = &values[..N];
        lanes!(N, |lane| values[lane])
    }
    #[inline(always)]
    fn store(self, x: Self::V, out: &mut [T]) {
        out[..N].copy_from_slice(&x);
    }
    #[inline(always)]
    unsafe fn load_pointer(self, values: *const T) -> Self::V {
        // SAFETY: the caller vouches for N readable numbers; arrays are read without need of alignment.
        unsafe { values.cast::<[T; N]>().read_unaligned() }
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        lanes!(N, |lane| a[lane] + b[lane])
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        lanes!(N, |lane| a[lane] - b[lane])
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        lanes!(N, |lane| a[lane] * b[lane])
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        lanes!(N, |lane| a[lane] / b[lane])
    }
    // Rounded twice: without the instruction, a fused product is a library call a hundred times slower.
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        lanes!(N, |lane| a[lane] * b[lane] + c[lane])
    }
    #[inline(always)]
    fn neg_mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        lanes!(N, |lane| c[lane] - a[lane] * b[lane])
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        lanes!(N, |lane| if a[lane] < b[lane] { a[lane] } else { b[lane] })
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        lanes!(N, |lane| if a[lane] > b[lane] { a[lane] } else { b[lane] })
    }
    #[inline(always)]
    fn abs(self, a: Self::V) -> Self::V {
        lanes!(N, |lane| a[lane].abs())
    }
    #[inline(always)]
    fn copy_sign(self, a: Self::V, b: Self::V) -> Self::V {
        lanes!(N, |lane| a[lane].copy_sign(b[lane]))
    }
    #[inline(always)]
    fn exponent_from_low_bits(self, a: Self::V) -> Self::V {
        lanes!(N, |lane| a[lane].exponent_from_low_bits())
    }
}
