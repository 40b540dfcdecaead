//! Vectors of one instruction set behind one trait, so that kernels are written once.

use crate::Real;

/// Lanes of the widest vector of any instruction set (AVX-512, float32).
pub const MAX_LANES: usize = 16;

/// A token: a value proves that the processor has an instruction set, and gives its vectors of `T`.
///
/// Functions that take a token are `#[inline(always)]`, down from [`Kernel::run`]: only inlined into the entry point
/// that enables the instruction set are they compiled for it.
pub trait Simd<T: Real>: Copy + Send + Sync + 'static {
    /// A vector of [`Simd::LANES`] numbers.
    type V: Copy;
    /// Numbers in a vector.
    const LANES: usize;
    /// Whether there are 32 vector registers rather than 16: how large a product's block of accumulators may be.
    const WIDE: bool;

    /// All lanes `x`.
    fn splat(self, x: T) -> Self::V;
    /// Reads the first [`Simd::LANES`] numbers of a slice; panics on a shorter one.
    fn load(self, values: &[T]) -> Self::V;
    /// Writes the first [`Simd::LANES`] numbers of a slice; panics on a shorter one.
    fn store(self, x: Self::V, out: &mut [T]);
    /// Reads [`Simd::LANES`] numbers.
    ///
    /// # Safety
    /// `values` points to that many readable numbers.
    unsafe fn load_pointer(self, values: *const T) -> Self::V;
    /// a + b.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// a - b.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// a b.
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// a / b.
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// a b + c, rounded once where the instruction set can.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// c - a b, rounded once where the instruction set can.
    fn neg_mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The smaller of two numbers; NaN where `b` is, and anything where only `a` is.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// The larger of two numbers; NaN where `b` is, and anything where only `a` is.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// Magnitude.
    fn abs(self, a: Self::V) -> Self::V;
    /// Magnitude of a, sign of b.
    fn copy_sign(self, a: Self::V, b: Self::V) -> Self::V;
    /// Moves the lowest bits of each lane to where sign and exponent stand: builds powers of two.
    fn exponent_from_low_bits(self, a: Self::V) -> Self::V;

    /// Hyperbolic tangent; see [`Real::tanh_lanes`].
    #[inline(always)]
    fn tanh(self, a: Self::V) -> Self::V {
        T::tanh_lanes(self, a)
    }

    /// sigmoid(2 a); see [`Real::sigmoid_of_half_lanes`].
    #[inline(always)]
    fn sigmoid_of_half(self, a: Self::V) -> Self::V {
        T::sigmoid_of_half_lanes(self, a)
    }

    /// Sum of all lanes, halves added to each other until one is left.
    #[inline(always)]
    fn sum(self, a: Self::V) -> T {
        let mut lanes = [T::ZERO; MAX_LANES];
        self.store(a, &mut lanes);
        let mut width = Self::LANES;
        while width > 1 {
            width /= 2;
            for lane in 0..width {
                lanes[lane] += lanes[lane + width];
            }
        }
        lanes[0]
    }
}

/// Work that is compiled once for every instruction set and picked at run time by [`Real::dispatch`].
pub trait Kernel<T: Real> {
    /// What the work returns.
    type Output;
    /// The work; implementations are `#[inline(always)]`.
    fn run<S: Simd<T>>(self, simd: S) -> Self::Output;
}
