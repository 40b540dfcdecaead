//! The floating-point types that every kernel is written for.

use crate::activation::{gates_f32, sigmoid_of_half_f32, sigmoid_of_half_f64, tanh_each_f32, tanh_f32, tanh_f64};
use crate::isa::Isa;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
use crate::isa::IsaName;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
use crate::portable::Portable;
use crate::vector::{Kernel, Simd};
use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

/// `f32`, `f64`, or a [`crate::Dual`] of them.
pub trait Real:
    Copy
    + Debug
    + Display
    + Default
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + Sum
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Floating-point numbers that one value consists of: what the lanes of a vector are counted by.
    const PARTS: usize;
    /// Distance from 1 to the next larger number.
    const EPSILON: Self;

    /// The nearest number of this type.
    fn from_f64(x: f64) -> Self;
    /// The same number as `f64`, exactly.
    fn to_f64(self) -> f64;
    /// `self * a + b`, rounded once.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// Hyperbolic tangent as the standard library computes it.
    fn tanh(self) -> Self;
    /// e to the power `self`.
    fn exp(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Magnitude.
    fn abs(self) -> Self;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// Not a number.
    fn is_nan(self) -> bool;
    /// Magnitude of `self`, sign of `sign`.
    fn copy_sign(self, sign: Self) -> Self;
    /// As [`Simd::exponent_from_low_bits`], for one number.
    fn exponent_from_low_bits(self) -> Self;
    /// Hyperbolic tangent of every lane, within 7 (f32) or 4 (f64) units in the last place. Odd, never beyond 1, exact for
    /// denormals; +-1 for infinities, NaN for NaN.
    fn tanh_lanes<S: Simd<Self>>(simd: S, x: S::V) -> S::V;
    /// sigmoid(2 x) of every lane, never below 0 nor beyond 1: within 4 times 2^-24 (f32), or 4 units in the last place for x
    /// >= -350 (f64; below, as there). NaN for NaN.
    fn sigmoid_of_half_lanes<S: Simd<Self>>(simd: S, x: S::V) -> S::V;
    /// [`Simd::tanh`] of several vectors, to the same bits; together they hide each other's latency.
    #[inline(always)]
    fn tanh_each<S: Simd<Self>, const N: usize>(simd: S, mut x: [S::V; N]) -> [S::V; N] {
        for x in &mut x {
            *x = simd.tanh(*x);
        }
        x
    }
    /// Activations of an LSTM unit's gates i, f, g, o: [`Simd::sigmoid_of_half`] of i, f and o, [`Simd::tanh`] of g, to the
    /// same bits.
    #[inline(always)]
    fn gates<S: Simd<Self>>(simd: S, [i, f, g, o]: [S::V; 4]) -> [S::V; 4] {
        [
            simd.sigmoid_of_half(i),
            simd.sigmoid_of_half(f),
            simd.tanh(g),
            simd.sigmoid_of_half(o),
        ]
    }
    /// Runs a kernel as compiled for an instruction set.
    fn dispatch<K: Kernel<Self>>(isa: Isa, kernel: K) -> K::Output;
}

macro_rules! real {
    ($t:ty, mantissa $mantissa:literal, $tanh_lanes:ident $sigmoid_lanes:ident, lanes $narrow:literal $wide:literal $($together:item)*) => {
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const PARTS: usize = 1;
            const EPSILON: Self = <$t>::EPSILON;

            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                <$t>::mul_add(self, a, b)
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                <$t>::tanh(self)
            }
            #[inline(always)]
            fn exp(self) -> Self {
                <$t>::exp(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$t>::sqrt(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                <$t>::abs(self)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                <$t>::is_finite(self)
            }
            #[inline(always)]
            fn is_nan(self) -> bool {
                <$t>::is_nan(self)
            }
            #[inline(always)]
            fn copy_sign(self, sign: Self) -> Self {
                <$t>::copysign(self, sign)
            }
            #[inline(always)]
            fn exponent_from_low_bits(self) -> Self {
                <$t>::from_bits(self.to_bits() << $mantissa)
            }
            #[inline(always)]
            fn tanh_lanes<S: Simd<Self>>(simd: S, x: S::V) -> S::V {
                $tanh_lanes(simd, x)
            }
            #[inline(always)]
            fn sigmoid_of_half_lanes<S: Simd<Self>>(simd: S, x: S::V) -> S::V {
                $sigmoid_lanes(simd, x)
            }
            $($together)*
            fn dispatch<K: Kernel<Self>>(isa: Isa, kernel: K) -> K::Output {
                match isa.name() {
                    // SAFETY: an Isa of this name exists only where the processor has the instructions.
                    #[cfg(target_arch = "x86_64")]
                    IsaName::Avx2 => unsafe { crate::x86::run_avx2(kernel) },
                    // SAFETY: an Isa of this name exists only where the processor has the instructions.
                    #[cfg(target_arch = "x86_64")]
                    IsaName::Avx512 => unsafe { crate::x86::run_avx512(kernel) },
                    #[cfg(target_arch = "aarch64")]
                    IsaName::Neon => kernel.run(crate::neon::Neon),
                    // The only one in its module: code for another could never be asked for.
                    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
                    _ => kernel.run(crate::wasm::Simd128),
                    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
                    IsaName::Portable16 => kernel.run(Portable::<$wide, true>),
                    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
                    _ => kernel.run(Portable::<$narrow, false>),
                }
            }
        }
    };
}

real!(f32, mantissa 23, tanh_f32 sigmoid_of_half_f32, lanes 4 16
    #[inline(always)]
    fn tanh_each<S: Simd<Self>, const N: usize>(simd: S, x: [S::V; N]) -> [S::V; N] {
        tanh_each_f32(simd, x)
    }
    #[inline(always)]
    fn gates<S: Simd<Self>>(simd: S, x: [S::V; 4]) -> [S::V; 4] {
        gates_f32(simd, x)
    }
);
real!(f64, mantissa 52, tanh_f64 sigmoid_of_half_f64, lanes 2 8);
