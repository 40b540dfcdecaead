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
    let (mut weights, mut operand) = (weights.as_ptr(), operand.as_ptr());
    for _ in 0..k_size / UNROLLED {
        for step in 0..UNROLLED {
            // SAFETY: k_size steps of ROWS weights and of VECTORS whole vectors lie in the slices, as asserted above.
            unsafe {
                let (weights, operand) = (weights.add(step * ROWS), operand.add(step * VECTORS * S::LANES));
                add_products::<T, S, ROWS, VECTORS>(s, weights, operand, &mut acc);
            }
        }
        // SAFETY: as above; the last step moves to the end at most.
        unsafe {
            weights = weights.add(UNROLLED * ROWS);
            operand = operand.add(UNROLLED * VECTORS * S::LANES);
        }
    }
    for step in 0..k_size % UNROLLED {
        // SAFETY: as above.
        unsafe {
            let (weights, operand) = (weights.add(step * ROWS), operand.add(step * VECTORS * S::LANES));
            add_products::<T, S, ROWS, VECTORS>(s, weights, operand, &mut acc);
        }
    }
    acc
}

/// Steps of k between two jumps: so few jumps a block that the processor foretells the last one.
const UNROLLED: usize = 4;

/// One step of k.
///
/// # Safety
/// `weights` points to ROWS numbers, `operand` to VECTORS vectors.
#[inline(always)]
unsafe fn add_products<T: Real, S: Simd<T>, const ROWS: usize, const VECTORS: usize>(
    s: S,
    weights: *const T,
    operand: *const T,
    acc: &mut Block<S::V, ROWS, VECTORS>,
) {
    let mut x = [s.splat(T::ZERO); VECTORS];
    for (vector, x) in x.iter_mut().enumerate() {
        // SAFETY: the caller vouches for them.
        *x = unsafe { s.load_pointer(operand.add(vector * S::LANES)) };
    }
    for (row, acc) in acc.iter_mut().enumerate() {
        // SAFETY: the caller vouches for them.
        let w = s.splat(unsafe { *weights.add(row) });
        for vector in 0..VECTORS {
            acc[vector] = s.mul_add(w, x[vector], acc[vector]);
        }
    }
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
