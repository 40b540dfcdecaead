//! The inner matrix kernel: a block of rows times a tile of lanes, accumulated in registers.

use macrograd_simd::{Real, Simd};

/// A block of accumulators: `[row][vector]`.
pub(super) type Block<V, const ROWS: usize, const VECTORS: usize> = [[V; VECTORS]; ROWS];

/// acc[row][lane] += sum over k of weights[k][row] operand[k][lane], in the order of k.
///
/// `ROWS` and `VECTORS` are constants so that the accumulators stay in registers: an index that is computed at run
/// time would force them into memory. 8 independent chains are what it takes to hide four cycles' latency of two units.
#[inline(always)]
pub(super) fn product<T: Real, S: Simd<T>, const ROWS: usize, const VECTORS: usize>(
    s: S,
    weights: &[T],
    operand: &[T],
    k_size: usize,
    mut acc: Block<S::V, ROWS, VECTORS>,
) -> Block<S::V, ROWS, VECTORS> {
    assert!(weights.len() >= k_size * ROWS && operand.len() >= k_size * VECTORS * S::LANES);
    let mut weight = weights.as_ptr();
    let mut lanes = operand.as_ptr();
    for _ in 0..k_size {
        // SAFETY: k_size steps of ROWS weights and of VECTORS whole vectors lie in the slices, as asserted above; the
        // pointers are moved past the end at most by the last step.
        unsafe {
            let mut x = [s.splat(T::ZERO); VECTORS];
            for (vector, x) in x.iter_mut().enumerate() {
                *x = s.load_pointer(lanes.add(vector * S::LANES));
            }
            for (row, acc) in acc.iter_mut().enumerate() {
                let w = s.splat(*weight.add(row));
                for vector in 0..VECTORS {
                    acc[vector] = s.mul_add(w, x[vector], acc[vector]);
                }
            }
            weight = weight.add(ROWS);
            lanes = lanes.add(VECTORS * S::LANES);
        }
    }
    acc
}

/// out[row][lane] = sum over k of weights[k][row] operand[k][lane] for all blocks of rows.
#[inline(always)]
pub(super) fn product_into<T: Real, S: Simd<T>, const ROWS: usize, const VECTORS: usize>(
    s: S,
    weights: &[T],
    operand: &[T],
    k_size: usize,
    out: &mut [T],
) {
    let zero = [[s.splat(T::ZERO); VECTORS]; ROWS];
    let (block_size, out_size) = (k_size * ROWS, ROWS * VECTORS * S::LANES);
    for block in 0..out.len() / out_size {
        let weights = &weights[block * block_size..][..block_size];
        let out = &mut out[block * out_size..][..out_size];
        let acc = product::<T, S, ROWS, VECTORS>(s, weights, operand, k_size, zero);
        for row in 0..ROWS {
            for vector in 0..VECTORS {
                s.store(acc[row][vector], &mut out[(row * VECTORS + vector) * S::LANES..]);
            }
        }
    }
}
