//! Products of gate cotangents with operands, summed over samples and steps: gradients of the weights.
//!
//! Columns of the weights are lanes here: the operand is turned once, and each sample's row of it is multiplied with that
//! sample's gate cotangents, which are broadcast. So nothing is ever summed over the lanes of a vector.

use macrograd_simd::{Buffer, Real, Simd, fetch_ahead};

use super::layout::turn;
use super::pack::PackedLayer;
use super::product::Block;
use crate::weights::{GATES, LayerWeights};

/// Steps that are collected before they are summed: enough to pay for reading and writing the sums, few enough for the
/// operand's columns of one block to stay in the first-level cache.
pub(crate) const RING_STEPS: usize = 12;

/// Steps of one layer that wait for their weight gradient.
#[derive(Debug, Default)]
pub(super) struct Ring<T> {
    /// [slot][4H padded][lane].
    pub d_gates: Buffer<T>,
    /// [slot][lane][F + H padded to whole vectors].
    operand: Buffer<T>,
    /// Slots in use.
    pub filled: usize,
    pub capacity: usize,
}

impl<T: Real> Ring<T> {
    /// Makes room for `capacity` steps of `lanes` lanes; if weights are wanted, for their operands too.
    pub(super) fn prepare(&mut self, layer: &PackedLayer<T>, lanes: usize, capacity: usize, weights_wanted: bool) {
        self.capacity = capacity;
        self.filled = 0;
        self.d_gates.resize(capacity * GATES * layer.padded_units() * lanes);
        if weights_wanted {
            self.operand.resize(capacity * lanes * layer.padded_columns());
        }
    }

    /// Fills the next slot, whose gate cotangents are there already, with the first rows of the operand [F + H][lane].
    #[inline(always)]
    pub(super) fn push<S: Simd<T>>(&mut self, s: S, layer: &PackedLayer<T>, operand: &[T], lanes: usize) {
        let (rows, columns) = (layer.operand_rows(), layer.padded_columns());
        let slot = &mut self.operand[self.filled * lanes * columns..][..lanes * columns];
        turn(s, (operand, lanes), (rows, lanes), (slot, columns));
        if rows < columns {
            for lane in 0..lanes {
                slot[lane * columns + rows..(lane + 1) * columns].fill(T::ZERO);
            }
        }
        self.filled += 1;
    }
}

/// Sums of one layer over a group of tiles.
#[derive(Debug, Default)]
pub(crate) struct LayerSum<T> {
    /// [unit padded][4][F + H padded to whole vectors].
    sums: Buffer<T>,
    /// `[unit padded][4]`.
    bias: Buffer<T>,
    columns: usize,
    hidden_size: usize,
}

impl<T: Real> LayerSum<T> {
    pub(super) fn clear(&mut self, layer: &PackedLayer<T>) {
        self.columns = layer.padded_columns();
        self.hidden_size = layer.hidden_size;
        self.sums.resize(GATES * layer.padded_units() * self.columns);
        self.sums.fill(T::ZERO);
        self.bias.resize(GATES * layer.padded_units());
        self.bias.fill(T::ZERO);
    }

    /// Adds the sums to a layer's gradient.
    pub(crate) fn add_to(&self, gradient: &mut LayerWeights<T>) {
        let h = self.hidden_size;
        let f = gradient.weight_ih.len() / (GATES * h);
        let rows = self.sums.chunks_exact(self.columns).zip(self.bias.iter());
        for (row, (sums, &bias)) in rows.take(GATES * h).enumerate() {
            let to = (row % GATES) * h + row / GATES;
            let add = |out: &mut [T], values: &[T]| out.iter_mut().zip(values).for_each(|(x, &y)| *x += y);
            add(&mut gradient.weight_ih[to * f..][..f], &sums[..f]);
            add(&mut gradient.weight_hh[to * h..][..h], &sums[f..f + h]);
            gradient.bias_ih[to] += bias;
            gradient.bias_hh[to] += bias;
        }
    }
}

/// Adds what a ring holds of tiles of `VECTORS` vectors to `out`, of the first `rows` rows of the operands, and empties it.
#[inline(always)]
pub(super) fn accumulate<T: Real, S: Simd<T>, const ROWS: usize, const VECTORS: usize>(
    s: S,
    ring: &mut Ring<T>,
    rows: usize,
    out: &mut LayerSum<T>,
) {
    if ring.filled == 0 {
        return;
    }
    let end = rows.div_ceil(S::LANES);
    let mut first = 0;
    while first < end {
        first += match end - first {
            1 => panel::<T, S, ROWS, VECTORS, 1>(s, ring, first, out),
            2 => panel::<T, S, ROWS, VECTORS, 2>(s, ring, first, out),
            _ if S::WIDE => panel::<T, S, ROWS, VECTORS, 3>(s, ring, first, out),
            _ => panel::<T, S, ROWS, VECTORS, 2>(s, ring, first, out),
        };
    }
    add_bias::<T, S, VECTORS>(s, ring, out);
    ring.filled = 0;
}

/// Sums of `PANEL` vectors of columns from vector `first`, for all units; returns `PANEL`.
#[inline(always)]
fn panel<T: Real, S: Simd<T>, const ROWS: usize, const VECTORS: usize, const PANEL: usize>(
    s: S,
    ring: &Ring<T>,
    first: usize,
    out: &mut LayerSum<T>,
) -> usize {
    let (columns, gates) = (out.columns, out.bias.len());
    let at = first * S::LANES;
    // One vector of columns has few chains of sums: it takes twice the rows where they are there.
    let wide = PANEL == 1 && !S::WIDE && gates.is_multiple_of(2 * ROWS);
    let rows = if wide { 2 * ROWS } else { ROWS };
    for block in 0..gates / rows {
        let sums = &mut out.sums[block * rows * columns..][..rows * columns];
        let work = RingBlock {
            ring,
            gates,
            first_row: block * rows,
            columns,
            first_column: at,
        };
        if wide {
            let acc = work.sums::<S, 8, VECTORS, PANEL>(s);
            add_block(s, &acc, &mut sums[at..], columns);
        } else {
            let acc = work.sums::<S, ROWS, VECTORS, PANEL>(s);
            add_block(s, &acc, &mut sums[at..], columns);
        }
    }
    PANEL
}

/// A block of rows and columns of a ring's weight gradient.
struct RingBlock<'a, T> {
    ring: &'a Ring<T>,
    /// Rows of gate cotangents.
    gates: usize,
    first_row: usize,
    columns: usize,
    first_column: usize,
}

impl<T: Real> RingBlock<'_, T> {
    /// Sums over all slots and lanes of gate cotangent times operand.
    #[inline(always)]
    fn sums<S: Simd<T>, const ROWS: usize, const VECTORS: usize, const PANEL: usize>(
        &self,
        s: S,
    ) -> Block<S::V, ROWS, PANEL> {
        let (lanes, slots) = (VECTORS * S::LANES, self.ring.filled);
        assert!(
            self.first_row + ROWS <= self.gates
                && self.first_column + PANEL * S::LANES <= self.columns
                && self.ring.d_gates.len() >= slots * self.gates * lanes
                && self.ring.operand.len() >= slots * lanes * self.columns
        );
        let mut acc = [[s.splat(T::ZERO); PANEL]; ROWS];
        let mut slot_gates = self.ring.d_gates[self.first_row * lanes..].as_ptr();
        let mut row = self.ring.operand[self.first_column..].as_ptr();
        for _ in 0..slots {
            let mut gate = slot_gates;
            slot_gates = slot_gates.wrapping_add(self.gates * lanes);
            for line in 0..ROWS {
                fetch_ahead(slot_gates.wrapping_add(line * lanes));
            }
            for _ in 0..lanes {
                // SAFETY: the ring holds `slots` times `gates` rows of `lanes` cotangents and `slots` times `lanes` rows of
                // `columns` operands, and the block lies within those rows and columns, as asserted above. Pointers are
                // moved past the end at most after the last lane, and then not read.
                unsafe {
                    let mut x = [s.splat(T::ZERO); PANEL];
                    for vector in 0..PANEL {
                        x[vector] = s.load_pointer(row.add(vector * S::LANES));
                    }
                    for index in 0..ROWS {
                        let w = s.splat(*gate.add(index * lanes));
                        for vector in 0..PANEL {
                            acc[index][vector] = s.mul_add(w, x[vector], acc[index][vector]);
                        }
                    }
                }
                gate = gate.wrapping_add(1);
                row = row.wrapping_add(self.columns);
            }
        }
        acc
    }
}

/// out[row][column] += acc, rows `columns` apart.
#[inline(always)]
fn add_block<T: Real, S: Simd<T>, const ROWS: usize, const PANEL: usize>(
    s: S,
    acc: &Block<S::V, ROWS, PANEL>,
    out: &mut [T],
    columns: usize,
) {
    for (row, acc) in acc.iter().enumerate() {
        for (vector, &acc) in acc.iter().enumerate() {
            let out = &mut out[row * columns + vector * S::LANES..];
            s.store(s.add(s.load(out), acc), out);
        }
    }
}

/// Adds the gate cotangents themselves, summed over their lanes.
#[inline(always)]
fn add_bias<T: Real, S: Simd<T>, const VECTORS: usize>(s: S, ring: &Ring<T>, out: &mut LayerSum<T>) {
    let (lanes, gates) = (VECTORS * S::LANES, out.bias.len());
    for (unit, bias) in out.bias.chunks_exact_mut(GATES).enumerate() {
        let mut acc = [s.splat(T::ZERO); GATES];
        for slot in 0..ring.filled {
            let d_gates = &ring.d_gates[(slot * gates + unit * GATES) * lanes..][..GATES * lanes];
            for (gate, acc) in acc.iter_mut().enumerate() {
                for vector in 0..VECTORS {
                    *acc = s.add(*acc, s.load(&d_gates[(gate * VECTORS + vector) * S::LANES..]));
                }
            }
        }
        for (bias, acc) in bias.iter_mut().zip(acc) {
            *bias += s.sum(acc);
        }
    }
}
