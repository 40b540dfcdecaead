//! Products of gate cotangents with operands, summed over lanes and steps: gradients of the weights.

use macrograd_simd::{Buffer, Real, Simd};

use crate::weights::{GATES, LayerWeights};

/// Steps that are collected before they are summed: enough to pay for adding up the lanes of the accumulators, few
/// enough to stay in the second-level cache.
pub(crate) const RING_STEPS: usize = 16;

/// Steps of one layer that wait for their weight gradient.
#[derive(Debug, Default)]
pub(super) struct Ring<T> {
    /// [slot][4H padded][lane].
    pub d_gates: Buffer<T>,
    /// Tile (within the chunk) and step of each filled slot: where its operand lies.
    pub filled: Vec<(usize, usize)>,
    pub capacity: usize,
}

/// Sums of one layer over a group of tiles.
#[derive(Debug, Default)]
pub(crate) struct LayerSum<T> {
    /// [unit][4][F + H + 1], the last column for the bias.
    sums: Buffer<T>,
    columns: usize,
    hidden_size: usize,
}

impl<T: Real> LayerSum<T> {
    pub(super) fn clear(&mut self, input_size: usize, hidden_size: usize) {
        self.columns = input_size + hidden_size + 1;
        self.hidden_size = hidden_size;
        self.sums.resize(GATES * hidden_size * self.columns);
        self.sums.fill(T::ZERO);
    }

    /// Adds the sums to a layer's gradient.
    pub(crate) fn add_to(&self, gradient: &mut LayerWeights<T>) {
        let (h, f) = (self.hidden_size, self.columns - 1 - self.hidden_size);
        for (row, sums) in self.sums.chunks_exact(self.columns).enumerate() {
            let to = (row % GATES) * h + row / GATES;
            let add = |out: &mut [T], values: &[T]| out.iter_mut().zip(values).for_each(|(x, &y)| *x += y);
            add(&mut gradient.weight_ih[to * f..][..f], &sums[..f]);
            add(&mut gradient.weight_hh[to * h..][..h], &sums[f..f + h]);
            gradient.bias_ih[to] += sums[f + h];
            gradient.bias_hh[to] += sums[f + h];
        }
    }
}

/// One slot's data: gate cotangents [4H padded][lane] and operand [F + H][lane].
#[derive(Clone, Copy)]
pub(super) struct Slot<'a, T> {
    pub d_gates: &'a [T],
    pub operand: &'a [T],
}

/// sums[unit][gate][column] += sum over slots and lanes of d_gate operand, for the first `columns` columns and the
/// bias.
#[inline(always)]
pub(super) fn accumulate<T: Real, S: Simd<T>, const VECTORS: usize>(
    s: S,
    slots: &[Slot<'_, T>],
    columns: usize,
    out: &mut LayerSum<T>,
) {
    let width = out.columns;
    for (unit, out) in out.sums.chunks_exact_mut(GATES * width).enumerate() {
        add_bias::<T, S, VECTORS>(s, slots, unit, width, out);
        if S::WIDE && columns >= 6 {
            add_columns::<T, S, VECTORS, 6>(s, slots, unit, columns, width, out);
        } else if columns >= 2 {
            add_columns::<T, S, VECTORS, 2>(s, slots, unit, columns, width, out);
        } else {
            add_columns::<T, S, VECTORS, 1>(s, slots, unit, columns, width, out);
        }
    }
}

/// All columns of one unit, `COLUMNS` at a time; the last block overlaps the one before when they do not fit evenly,
/// and then writes only what is new.
#[inline(always)]
fn add_columns<T: Real, S: Simd<T>, const VECTORS: usize, const COLUMNS: usize>(
    s: S,
    slots: &[Slot<'_, T>],
    unit: usize,
    columns: usize,
    width: usize,
    out: &mut [T],
) {
    let mut done = 0;
    while done < columns {
        let first = done.min(columns - COLUMNS);
        let acc = block::<T, S, VECTORS, COLUMNS>(s, slots, unit, first);
        for (gate, acc) in acc.into_iter().enumerate() {
            for (offset, acc) in acc.into_iter().enumerate() {
                if first + offset >= done {
                    out[gate * width + first + offset] += s.sum(acc);
                }
            }
        }
        done = first + COLUMNS;
    }
}

/// Accumulators `[gate][column]` of one unit and `COLUMNS` columns from `first`, lanes not yet added up.
#[inline(always)]
fn block<T: Real, S: Simd<T>, const VECTORS: usize, const COLUMNS: usize>(
    s: S,
    slots: &[Slot<'_, T>],
    unit: usize,
    first: usize,
) -> [[S::V; COLUMNS]; GATES] {
    let lanes = VECTORS * S::LANES;
    let mut acc = [[s.splat(T::ZERO); COLUMNS]; GATES];
    for slot in slots {
        let d_gates = &slot.d_gates[unit * GATES * lanes..][..GATES * lanes];
        let operand = &slot.operand[first * lanes..][..COLUMNS * lanes];
        for vector in 0..VECTORS {
            let at = vector * S::LANES;
            let mut x = [s.splat(T::ZERO); COLUMNS];
            for column in 0..COLUMNS {
                // SAFETY: column < COLUMNS and at + S::LANES <= lanes, so the vector lies in the slice of
                // COLUMNS * lanes numbers.
                x[column] = unsafe { s.load_pointer(operand.as_ptr().add(column * lanes + at)) };
            }
            for gate in 0..GATES {
                // SAFETY: gate < GATES and at + S::LANES <= lanes, so the vector lies in the slice of
                // GATES * lanes numbers.
                let d_gate = unsafe { s.load_pointer(d_gates.as_ptr().add(gate * lanes + at)) };
                for column in 0..COLUMNS {
                    acc[gate][column] = s.mul_add(d_gate, x[column], acc[gate][column]);
                }
            }
        }
    }
    acc
}

#[inline(always)]
fn add_bias<T: Real, S: Simd<T>, const VECTORS: usize>(
    s: S,
    slots: &[Slot<'_, T>],
    unit: usize,
    width: usize,
    out: &mut [T],
) {
    let mut acc = [s.splat(T::ZERO); GATES];
    for slot in slots {
        let d_gates = &slot.d_gates[unit * GATES * VECTORS * S::LANES..][..GATES * VECTORS * S::LANES];
        for gate in 0..GATES {
            for vector in 0..VECTORS {
                acc[gate] = s.add(acc[gate], s.load(&d_gates[(gate * VECTORS + vector) * S::LANES..]));
            }
        }
    }
    for (gate, acc) in acc.into_iter().enumerate() {
        out[gate * width + width - 1] += s.sum(acc);
    }
}
