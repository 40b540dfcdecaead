//! NEON token: every operation is one or two instructions of `std::arch`. The instruction set is part of every
//! aarch64 processor, so the token proves nothing that the target does not.

use std::arch::aarch64::*;

use crate::Simd;

/// aarch64's vectors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Neon;

/// Vectors of one type; the operations differ in their intrinsics' names alone.
macro_rules! neon_simd {
    ($t:ty, $v:ty, lanes $lanes:literal, sign $sign:expr, shift $shift:expr,
     $splat:ident $load:ident $store:ident $add:ident $sub:ident $mul:ident $div:ident $fma:ident $fms:ident
     $min:ident $max:ident $abs:ident $select:ident) => {
        impl Simd<$t> for Neon {
            type V = $v;
            const LANES: usize = $lanes;
            const WIDE: bool = true;

            #[inline(always)]
            fn splat(self, x: $t) -> $v {
                // SAFETY: every aarch64 processor has the instruction.
                unsafe { $splat(x) }
            }
            #[inline(always)]
            fn load(self, values: &[$t]) -> $v {
                let values = &values[..$lanes];
                // SAFETY: the slice holds a whole vector.
                unsafe { $load(values.as_ptr()) }
            }
            #[inline(always)]
            fn store(self, x: $v, out: &mut [$t]) {
                let out = &mut out[..$lanes];
                // SAFETY: the slice has room for a whole vector.
                unsafe { $store(out.as_mut_ptr(), x) }
            }
            #[inline(always)]
            unsafe fn load_pointer(self, values: *const $t) -> $v {
                // SAFETY: the caller vouches for a whole readable vector.
                unsafe { $load(values) }
            }
            #[inline(always)]
            fn add(self, a: $v, b: $v) -> $v {
                // SAFETY: every aarch64 processor has the instruction.
                unsafe { $add(a, b) }
            }
            #[inline(always)]
            fn sub(self, a: $v, b: $v) -> $v {
                // SAFETY: every aarch64 processor has the instruction.
                unsafe { $sub(a, b) }
            }
            #[inline(always)]
            fn mul(self, a: $v, b: $v) -> $v {
                // SAFETY: every aarch64 processor has the instruction.
                unsafe { $mul(a, b) }
            }
            #[inline(always)]
            fn div(self, a: $v, b: $v) -> $v {
                // SAFETY: every aarch64 processor has the instruction.
                unsafe { $div(a, b) }
            }
            #[inline(always)]
            fn mul_add(self, a: $v, b: $v, c: $v) -> $v {
                // SAFETY: every aarch64 processor has the instruction.
                unsafe { $fma(c, a, b) }
            }
            #[inline(always)]
            fn neg_mul_add(self, a: $v, b: $v, c: $v) -> $v {
                // SAFETY: every aarch64 processor has the instruction.
                unsafe { $fms(c, a, b) }
            }
            #[inline(always)]
            fn min(self, a: $v, b: $v) -> $v {
                // SAFETY: every aarch64 processor has the instruction.
                unsafe { $min(a, b) }
            }
            #[inline(always)]
            fn max(self, a: $v, b: $v) -> $v {
                // SAFETY: every aarch64 processor has the instruction.
                unsafe { $max(a, b) }
            }
            #[inline(always)]
            fn abs(self, a: $v) -> $v {
                // SAFETY: every aarch64 processor has the instruction.
                unsafe { $abs(a) }
            }
            #[inline(always)]
            fn copy_sign(self, a: $v, b: $v) -> $v {
                // SAFETY: every aarch64 processor has the instructions.
                unsafe { $select($sign, b, a) }
            }
            #[inline(always)]
            fn exponent_from_low_bits(self, a: $v) -> $v {
                // SAFETY: every aarch64 processor has the instructions.
                unsafe { $shift(a) }
            }
        }
    };
}

neon_simd!(f32, float32x4_t, lanes 4, sign vdupq_n_u32(1 << 31),
    shift |a| vreinterpretq_f32_u32(vshlq_n_u32::<23>(vreinterpretq_u32_f32(a))),
    vdupq_n_f32 vld1q_f32 vst1q_f32 vaddq_f32 vsubq_f32 vmulq_f32 vdivq_f32 vfmaq_f32 vfmsq_f32
    vminq_f32 vmaxq_f32 vabsq_f32 vbslq_f32);

neon_simd!(f64, float64x2_t, lanes 2, sign vdupq_n_u64(1 << 63),
    shift |a| vreinterpretq_f64_u64(vshlq_n_u64::<52>(vreinterpretq_u64_f64(a))),
    vdupq_n_f64 vld1q_f64 vst1q_f64 vaddq_f64 vsubq_f64 vmulq_f64 vdivq_f64 vfmaq_f64 vfmsq_f64
    vminq_f64 vmaxq_f64 vabsq_f64 vbslq_f64);
