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
    /// Rows and columns of the blocks that [`Simd::turn`] moves.
    const TURN: usize = Self::LANES;

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

    /// Turns a block of [`Simd::TURN`] rows and columns: `to[j * to_stride + i] = from[i * from_stride + j]`; panics where a
    /// slice does not hold it.
    #[inline(always)]
    fn turn(self, from: &[T], from_stride: usize, to: &mut [T], to_stride: usize) {
        for i in 0..Self::TURN {
            let row = &from[i * from_stride..][..Self::TURN];
            for j in 0..Self::TURN {
                to[j * to_stride + i] = row[j];
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Isa, IsaName};

    /// Work: turns a block between rows that are longer than it.
    struct TurnBlock;

    impl<T: Real> Kernel<T> for TurnBlock {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd<T>>(self, s: S) {
            let (edge, from_stride, to_stride) = (S::TURN, S::TURN + 3, S::TURN + 1);
            let length = |stride: usize| (edge - 1) * stride + edge;
            let from: Vec<T> = (1..=length(from_stride)).map(|i| T::from_f64(i as f64)).collect();
            let mut to = vec![T::ZERO; length(to_stride)];
            s.turn(&from, from_stride, &mut to, to_stride);
            for (at, &found) in to.iter().enumerate() {
                let (j, i) = (at / to_stride, at % to_stride);
                let expected = if i < edge { from[i * from_stride + j] } else { T::ZERO };
                assert!(found.to_f64() == expected.to_f64(), "row {j}, column {i}");
            }
        }
    }

    #[test]
    fn a_turned_block_has_its_rows_as_columns_on_every_instruction_set() {
        for isa in IsaName::ALL.into_iter().filter_map(|name| Isa::new(name).ok()) {
            f32::dispatch(isa, TurnBlock);
            f64::dispatch(isa, TurnBlock);
        }
    }
}
