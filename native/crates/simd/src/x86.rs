//! AVX2 + FMA and AVX-512 tokens: every operation is one or two instructions of `std::arch`.

use std::arch::x86_64::*;

use crate::{Kernel, Simd};

/// Proof of AVX2 and FMA.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx2(());

/// Proof of AVX-512 F and DQ.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Avx512(());

/// Runs a kernel compiled for AVX2.
///
/// # Safety
/// The processor has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(crate) unsafe fn run_avx2<T: crate::Real, K: Kernel<T>>(kernel: K) -> K::Output
where
    Avx2: Simd<T>,
{
    kernel.run(Avx2(()))
}

/// Runs a kernel compiled for AVX-512.
///
/// # Safety
/// The processor has AVX-512 F and DQ.
#[target_feature(enable = "avx512f,avx512dq")]
pub(crate) unsafe fn run_avx512<T: crate::Real, K: Kernel<T>>(kernel: K) -> K::Output
where
    Avx512: Simd<T>,
{
    kernel.run(Avx512(()))
}

/// Sum of 8 lanes: halves, then quarters, then neighbours.
///
/// # Safety
/// The processor has AVX.
#[inline(always)]
unsafe fn sum_ps(a: __m256) -> f32 {
    // SAFETY: the caller vouches for the instructions.
    unsafe {
        let halves = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
        let pairs = _mm_add_ps(halves, _mm_movehl_ps(halves, halves));
        _mm_cvtss_f32(_mm_add_ss(pairs, _mm_movehdup_ps(pairs)))
    }
}

/// Sum of 4 lanes: halves, then neighbours.
///
/// # Safety
/// The processor has AVX.
#[inline(always)]
unsafe fn sum_pd(a: __m256d) -> f64 {
    // SAFETY: the caller vouches for the instructions.
    unsafe {
        let halves = _mm_add_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd::<1>(a));
        _mm_cvtsd_f64(_mm_add_sd(halves, _mm_unpackhi_pd(halves, halves)))
    }
}

/// Turns 8 x 8 numbers: the upper and lower four rows are halves of vectors, within which 4 x 4 are turned.
///
/// # Safety
/// The processor has AVX; `from` and `to` point to 8 rows of 8 numbers, as far apart as the strides say.
#[inline(always)]
unsafe fn turn_ps(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize) {
    // SAFETY: the caller vouches for instructions and numbers.
    unsafe {
        for columns in [0, 4] {
            let mut rows = [_mm256_setzero_ps(); 4];
            for (i, row) in rows.iter_mut().enumerate() {
                let upper = _mm_loadu_ps(from.add(i * from_stride + columns));
                let lower = _mm_loadu_ps(from.add((i + 4) * from_stride + columns));
                *row = _mm256_set_m128(lower, upper);
            }
            let [a, b, c, d] = rows;
            let (ab_first, ab_last) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            let (cd_first, cd_last) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
            let turned = [
                _mm256_shuffle_ps::<0x44>(ab_first, cd_first),
                _mm256_shuffle_ps::<0xee>(ab_first, cd_first),
                _mm256_shuffle_ps::<0x44>(ab_last, cd_last),
                _mm256_shuffle_ps::<0xee>(ab_last, cd_last),
            ];
            for (j, column) in turned.into_iter().enumerate() {
                _mm256_storeu_ps(to.add((columns + j) * to_stride), column);
            }
        }
    }
}

/// Turns 4 x 4 numbers as [`turn_ps`] does 8 x 8.
///
/// # Safety
/// The processor has AVX; `from` and `to` point to 4 rows of 4 numbers, as far apart as the strides say.
#[inline(always)]
unsafe fn turn_pd(from: *const f64, from_stride: usize, to: *mut f64, to_stride: usize) {
    // SAFETY: the caller vouches for instructions and numbers.
    unsafe {
        for columns in [0, 2] {
            let mut rows = [_mm256_setzero_pd(); 2];
            for (i, row) in rows.iter_mut().enumerate() {
                let upper = _mm_loadu_pd(from.add(i * from_stride + columns));
                let lower = _mm_loadu_pd(from.add((i + 2) * from_stride + columns));
                *row = _mm256_set_m128d(lower, upper);
            }
            let [a, b] = rows;
            _mm256_storeu_pd(to.add(columns * to_stride), _mm256_unpacklo_pd(a, b));
            _mm256_storeu_pd(to.add((columns + 1) * to_stride), _mm256_unpackhi_pd(a, b));
        }
    }
}

/// One token's vectors of one type; the operations differ in their intrinsics' names alone.
macro_rules! x86_simd {
    ($token:ty, $t:ty, $v:ty, lanes $lanes:literal, wide $wide:literal, sign $sign:expr, shift $shift:expr, sum $sum:expr,
     turn $turn:ident of $edge:literal,
     $splat:ident $load:ident $store:ident $add:ident $sub:ident $mul:ident $div:ident $fma:ident $fnma:ident
     $min:ident $max:ident $and:ident $andnot:ident $or:ident) => {
        impl Simd<$t> for $token {
            type V = $v;
            const LANES: usize = $lanes;
            const WIDE: bool = $wide;
            const TURN: usize = $edge;

            #[inline(always)]
            fn splat(self, x: $t) -> $v {
                // SAFETY: the token proves that the processor has the instruction.
                unsafe { $splat(x) }
            }
            #[inline(always)]
            fn load(self, values: &[$t]) -> $v {
                let values = &values[..$lanes];
                // SAFETY: the slice holds a whole vector; the token proves the instruction.
                unsafe { $load(values.as_ptr()) }
            }
            #[inline(always)]
            fn store(self, x: $v, out: &mut [$t]) {
                let out = &mut out[..$lanes];
                // SAFETY: the slice has room for a whole vector; the token proves the instruction.
                unsafe { $store(out.as_mut_ptr(), x) }
            }
            #[inline(always)]
            unsafe fn load_pointer(self, values: *const $t) -> $v {
                // SAFETY: the caller vouches for a whole readable vector; the token proves the instruction.
                unsafe { $load(values) }
            }
            #[inline(always)]
            fn add(self, a: $v, b: $v) -> $v {
                // SAFETY: the token proves that the processor has the instruction.
                unsafe { $add(a, b) }
            }
            #[inline(always)]
            fn sub(self, a: $v, b: $v) -> $v {
                // SAFETY: the token proves that the processor has the instruction.
                unsafe { $sub(a, b) }
            }
            #[inline(always)]
            fn mul(self, a: $v, b: $v) -> $v {
                // SAFETY: the token proves that the processor has the instruction.
                unsafe { $mul(a, b) }
            }
            #[inline(always)]
            fn div(self, a: $v, b: $v) -> $v {
                // SAFETY: the token proves that the processor has the instruction.
                unsafe { $div(a, b) }
            }
            #[inline(always)]
            fn mul_add(self, a: $v, b: $v, c: $v) -> $v {
                // SAFETY: the token proves that the processor has the instruction.
                unsafe { $fma(a, b, c) }
            }
            #[inline(always)]
            fn neg_mul_add(self, a: $v, b: $v, c: $v) -> $v {
                // SAFETY: the token proves that the processor has the instruction.
                unsafe { $fnma(a, b, c) }
            }
            #[inline(always)]
            fn min(self, a: $v, b: $v) -> $v {
                // SAFETY: the token proves that the processor has the instruction.
                unsafe { $min(a, b) }
            }
            #[inline(always)]
            fn max(self, a: $v, b: $v) -> $v {
                // SAFETY: the token proves that the processor has the instruction.
                unsafe { $max(a, b) }
            }
            #[inline(always)]
            fn abs(self, a: $v) -> $v {
                // SAFETY: the token proves that the processor has the instructions.
                unsafe { $andnot($splat($sign), a) }
            }
            #[inline(always)]
            fn copy_sign(self, a: $v, b: $v) -> $v {
                // SAFETY: the token proves that the processor has the instructions.
                unsafe { $or($andnot($splat($sign), a), $and($splat($sign), b)) }
            }
            #[inline(always)]
            fn exponent_from_low_bits(self, a: $v) -> $v {
                // SAFETY: the token proves that the processor has the instructions.
                unsafe { $shift(a) }
            }
            #[inline(always)]
            fn sum(self, a: $v) -> $t {
                // SAFETY: the token proves that the processor has the instructions.
                unsafe { $sum(a) }
            }
            #[inline(always)]
            fn turn(self, from: &[$t], from_stride: usize, to: &mut [$t], to_stride: usize) {
                let (from, to) = (
                    &from[..($edge - 1) * from_stride + $edge],
                    &mut to[..($edge - 1) * to_stride + $edge],
                );
                // SAFETY: the slices hold all rows of the block, as just cut; the token proves the instructions.
                unsafe { $turn(from.as_ptr(), from_stride, to.as_mut_ptr(), to_stride) }
            }
        }
    };
}

x86_simd!(Avx2, f32, __m256, lanes 8, wide false, sign -0.0,
    shift |a| _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_castps_si256(a))), sum sum_ps, turn turn_ps of 8,
    _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_add_ps _mm256_sub_ps _mm256_mul_ps _mm256_div_ps
    _mm256_fmadd_ps _mm256_fnmadd_ps _mm256_min_ps _mm256_max_ps _mm256_and_ps _mm256_andnot_ps _mm256_or_ps);

x86_simd!(Avx2, f64, __m256d, lanes 4, wide false, sign -0.0,
    shift |a| _mm256_castsi256_pd(_mm256_slli_epi64::<52>(_mm256_castpd_si256(a))), sum sum_pd, turn turn_pd of 4,
    _mm256_set1_pd _mm256_loadu_pd _mm256_storeu_pd _mm256_add_pd _mm256_sub_pd _mm256_mul_pd _mm256_div_pd
    _mm256_fmadd_pd _mm256_fnmadd_pd _mm256_min_pd _mm256_max_pd _mm256_and_pd _mm256_andnot_pd _mm256_or_pd);

x86_simd!(Avx512, f32, __m512, lanes 16, wide true, sign -0.0,
    shift |a| _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_castps_si512(a))), sum _mm512_reduce_add_ps, turn turn_ps of 8,
    _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_add_ps _mm512_sub_ps _mm512_mul_ps _mm512_div_ps
    _mm512_fmadd_ps _mm512_fnmadd_ps _mm512_min_ps _mm512_max_ps _mm512_and_ps _mm512_andnot_ps _mm512_or_ps);

x86_simd!(Avx512, f64, __m512d, lanes 8, wide true, sign -0.0,
    shift |a| _mm512_castsi512_pd(_mm512_slli_epi64::<52>(_mm512_castpd_si512(a))), sum _mm512_reduce_add_pd, turn turn_pd of 4,
    _mm512_set1_pd _mm512_loadu_pd _mm512_storeu_pd _mm512_add_pd _mm512_sub_pd _mm512_mul_pd _mm512_div_pd
    _mm512_fmadd_pd _mm512_fnmadd_pd _mm512_min_pd _mm512_max_pd _mm512_and_pd _mm512_andnot_pd _mm512_or_pd);
