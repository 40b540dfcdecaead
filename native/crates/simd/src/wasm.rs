//! SIMD128 token: every operation is one or two instructions of `std::arch`. WebAssembly has no detection at run time: a
//! module with these instructions is refused as a whole where they are missing, so the token proves nothing that the
//! module does not.
//!
//! Products are not fused: SIMD128 has no such instruction, and relaxed-simd's may round once or twice as the processor
//! likes, so that bits would differ between machines. `mul_add` therefore rounds twice, as in the portable token: half a
//! unit in the last place more for each product.

use std::arch::wasm32::*;

use crate::Simd;

/// WebAssembly's 128-bit vectors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Simd128;

/// Vectors of one type; the operations differ in their intrinsics' names alone.
macro_rules! simd128 {
    ($t:ty, lanes $lanes:literal, sign $sign:expr, shift $shift:expr,
     $splat:ident $add:ident $sub:ident $mul:ident $div:ident $min:ident $max:ident $abs:ident) => {
        impl Simd<$t> for Simd128 {
            type V = v128;
            const LANES: usize = $lanes;
            // Most machines that run a module have 16 registers.
            const WIDE: bool = false;

            #[inline(always)]
            fn splat(self, x: $t) -> v128 {
                $splat(x)
            }
            #[inline(always)]
            fn load(self, values: &[$t]) -> v128 {
                let values = &values[..$lanes];
                // SAFETY: the slice holds a whole vector; any alignment will do.
                unsafe { v128_load(values.as_ptr().cast()) }
            }
            #[inline(always)]
            fn store(self, x: v128, out: &mut [$t]) {
                let out = &mut out[..$lanes];
                // SAFETY: the slice has room for a whole vector; any alignment will do.
                unsafe { v128_store(out.as_mut_ptr().cast(), x) }
            }
            #[inline(always)]
            unsafe fn load_pointer(self, values: *const $t) -> v128 {
                // SAFETY: the caller vouches for a whole readable vector; any alignment will do.
                unsafe { v128_load(values.cast()) }
            }
            #[inline(always)]
            fn add(self, a: v128, b: v128) -> v128 {
                $add(a, b)
            }
            #[inline(always)]
            fn sub(self, a: v128, b: v128) -> v128 {
                $sub(a, b)
            }
            #[inline(always)]
            fn mul(self, a: v128, b: v128) -> v128 {
                $mul(a, b)
            }
            #[inline(always)]
            fn div(self, a: v128, b: v128) -> v128 {
                $div(a, b)
            }
            #[inline(always)]
            fn mul_add(self, a: v128, b: v128, c: v128) -> v128 {
                $add($mul(a, b), c)
            }
            #[inline(always)]
            fn neg_mul_add(self, a: v128, b: v128, c: v128) -> v128 {
                $sub(c, $mul(a, b))
            }
            // The instructions without rules for NaN and signed zeros: one each on every processor.
            #[inline(always)]
            fn min(self, a: v128, b: v128) -> v128 {
                // pmin gives its first operand where one is NaN.
                $min(b, a)
            }
            #[inline(always)]
            fn max(self, a: v128, b: v128) -> v128 {
                // pmax gives its first operand where one is NaN.
                $max(b, a)
            }
            #[inline(always)]
            fn abs(self, a: v128) -> v128 {
                $abs(a)
            }
            #[inline(always)]
            fn copy_sign(self, a: v128, b: v128) -> v128 {
                v128_bitselect(b, a, $sign)
            }
            #[inline(always)]
            fn exponent_from_low_bits(self, a: v128) -> v128 {
                $shift(a)
            }
        }
    };
}

simd128!(f32, lanes 4, sign f32x4_splat(-0.0), shift |a| i32x4_shl(a, 23),
    f32x4_splat f32x4_add f32x4_sub f32x4_mul f32x4_div f32x4_pmin f32x4_pmax f32x4_abs);

simd128!(f64, lanes 2, sign f64x2_splat(-0.0), shift |a| i64x2_shl(a, 52),
    f64x2_splat f64x2_add f64x2_sub f64x2_mul f64x2_div f64x2_pmin f64x2_pmax f64x2_abs);
