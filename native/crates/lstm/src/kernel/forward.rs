//! Forward pass of one tile through all layers and steps.

use macrograd_simd::{Kernel, Real, Simd};

use super::layout::{to_lanes, to_lanes_on};
use super::pack::{PackedLayer, PackedWeights};
use super::product::product;
use super::tape::{LayerTape, SLOPES, Slope, TileTape, operand_stride, slope_at};
use crate::sequences::Sequences;
use crate::weights::GATES;

/// Work: one tile, all layers.
pub(crate) struct ForwardTile<'a, T> {
    pub weights: &'a PackedWeights<T>,
    pub sequences: &'a Sequences<'a, T>,
    /// First sample of the tile in the batch.
    pub first_sample: usize,
    /// Prepared by [`TileTape::prepare`].
    pub tape: &'a mut TileTape<T>,
    /// Whether a backward pass will follow.
    pub recording: bool,
}

impl<T: Real> Kernel<T> for ForwardTile<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, s: S) {
        let (size, has_state) = (self.tape.size, self.sequences.has_initial_state());
        for (index, layer) in self.weights.layers.iter().enumerate() {
            self.load_inputs(s, index, layer);
            self.load_states(index, layer);
            let tape = &mut self.tape.layers[index];
            let length = self.sequences.sequence_length;
            match (S::WIDE, size.vectors) {
                (false, 1) => run_layer::<T, S, 4, 1>(s, layer, tape, length, has_state, self.recording),
                (false, _) => run_layer::<T, S, 4, 2>(s, layer, tape, length, has_state, self.recording),
                (true, 1) => run_layer::<T, S, 8, 1>(s, layer, tape, length, has_state, self.recording),
                (true, 2) => run_layer::<T, S, 8, 2>(s, layer, tape, length, has_state, self.recording),
                (true, _) => run_layer::<T, S, 8, 3>(s, layer, tape, length, has_state, self.recording),
            }
        }
    }
}

impl<T: Real> ForwardTile<'_, T> {
    /// Fills the input rows of every step's operand.
    #[inline(always)]
    fn load_inputs<S: Simd<T>>(&mut self, s: S, index: usize, layer: &PackedLayer<T>) {
        let (size, length, f) = (self.tape.size, self.sequences.sequence_length, layer.input_size);
        let stride = operand_stride(layer, size.lanes);
        if index == 0 {
            let sample_size = length * f;
            let rows = &self.sequences.input[self.first_sample * sample_size..][..size.samples * sample_size];
            for step in 0..length {
                let operand = &mut self.tape.layers[0].operand[step * stride..][..f * size.lanes];
                to_lanes_on(s, &rows[step * f..], sample_size, f, size, operand);
            }
            return;
        }
        let (below, this) = self.tape.layers.split_at_mut(index);
        let source = &self.weights.layers[index - 1];
        let source_stride = operand_stride(source, size.lanes);
        for step in 0..length {
            let hidden = &below[index - 1].operand[(step + 1) * source_stride + source.input_size * size.lanes..];
            this[0].operand[step * stride..][..f * size.lanes].copy_from_slice(&hidden[..f * size.lanes]);
        }
    }

    /// Fills the states before the first step.
    fn load_states(&mut self, index: usize, layer: &PackedLayer<T>) {
        let (size, h) = (self.tape.size, layer.hidden_size);
        let at = (index * self.sequences.batch_size + self.first_sample) * h;
        let tape = &mut self.tape.layers[index];
        let hidden = &mut tape.operand[layer.input_size * size.lanes..operand_stride(layer, size.lanes)];
        for (state, values) in [
            (hidden, self.sequences.initial_hidden),
            (&mut tape.cell, self.sequences.initial_cell),
        ] {
            state.fill(T::ZERO);
            if let Some(values) = values {
                to_lanes(&values[at..], h, h, size, state);
            }
        }
    }
}

/// All steps of one layer. Without an initial state the first step's product skips the hidden rows, which are 0.
///
/// Each step goes over the units three times: products, then gates and cell states, then hidden states. Activations are long
/// chains of dependent operations; those of neighbouring units run side by side, and each of the loops is simple enough for
/// its branches to be foretold.
#[inline(always)]
fn run_layer<T: Real, S: Simd<T>, const ROWS: usize, const VECTORS: usize>(
    s: S,
    layer: &PackedLayer<T>,
    tape: &mut LayerTape<T>,
    length: usize,
    has_state: bool,
    recording: bool,
) {
    let lanes = VECTORS * S::LANES;
    let stride = operand_stride(layer, lanes);
    let step_slopes = layer.padded_units() * SLOPES * lanes;
    for step in 0..length {
        let (now, next) = tape.operand[step * stride..(step + 2) * stride].split_at_mut(stride);
        let hidden = &mut next[layer.input_size * lanes..];
        let slot = if recording { step } else { 0 };
        let slopes = &mut tape.slopes[slot * step_slopes..][..step_slopes];
        let k_size = if step == 0 && !has_state {
            layer.input_size
        } else {
            layer.operand_rows()
        };
        gate_products::<T, S, ROWS, VECTORS>(s, layer, now, k_size, slopes);
        if recording {
            update_cells::<T, S, VECTORS, true>(s, slopes, &mut tape.cell);
            update_hidden::<T, S, VECTORS, true>(s, slopes, &tape.cell, hidden);
        } else {
            update_cells::<T, S, VECTORS, false>(s, slopes, &mut tape.cell);
            update_hidden::<T, S, VECTORS, false>(s, slopes, &tape.cell, hidden);
        }
    }
}

/// Writes every unit's gates before their activations to its first rows of `slopes`.
#[inline(always)]
pub(super) fn gate_products<T: Real, S: Simd<T>, const ROWS: usize, const VECTORS: usize>(
    s: S,
    layer: &PackedLayer<T>,
    operand: &[T],
    k_size: usize,
    slopes: &mut [T],
) {
    let (unit_size, block_size) = (SLOPES * VECTORS * S::LANES, layer.operand_rows() * ROWS);
    for block in 0..layer.gate_bias.len() / ROWS {
        let weights = &layer.gate_weights[block * block_size..][..block_size];
        let bias = &layer.gate_bias[block * ROWS..][..ROWS];
        let slopes = &mut slopes[block * ROWS / GATES * unit_size..][..ROWS / GATES * unit_size];
        let mut acc = [[s.splat(T::ZERO); VECTORS]; ROWS];
        for row in 0..ROWS {
            acc[row] = [s.splat(bias[row]); VECTORS];
        }
        let acc = product::<T, S, ROWS, VECTORS>(s, weights, operand, k_size, acc);
        for row in 0..ROWS {
            let at = row / GATES * unit_size + row % GATES * VECTORS * S::LANES;
            for vector in 0..VECTORS {
                s.store(acc[row][vector], &mut slopes[at + vector * S::LANES..]);
            }
        }
    }
}

/// c = f c + i g of every unit, o, and the slopes that are known by then if a backward pass will read them.
#[inline(always)]
pub(super) fn update_cells<T: Real, S: Simd<T>, const VECTORS: usize, const RECORDING: bool>(
    s: S,
    slopes: &mut [T],
    cell: &mut [T],
) {
    let lanes = VECTORS * S::LANES;
    for unit in 0..cell.len() / lanes {
        let slopes = &mut slopes[unit * SLOPES * lanes..][..SLOPES * lanes];
        let cell = &mut cell[unit * lanes..][..lanes];
        for vector in 0..VECTORS {
            let at = |slope| slope_at(slope, vector, VECTORS, S::LANES);
            let before = [Slope::Input, Slope::Forget, Slope::Candidate, Slope::Output];
            let mut gates = [s.splat(T::ZERO); GATES];
            for (gate, slope) in gates.iter_mut().zip(before) {
                *gate = s.load(&slopes[at(slope)..]);
            }
            let [i, f, g, o] = T::gates(s, gates);
            let cell = &mut cell[vector * S::LANES..];
            let (kept, new) = (s.mul(f, s.load(cell)), s.mul(i, g));
            s.store(s.add(kept, new), cell);
            s.store(o, &mut slopes[at(Slope::Output)..]);
            if RECORDING {
                s.store(s.neg_mul_add(new, i, new), &mut slopes[at(Slope::Input)..]);
                s.store(s.neg_mul_add(kept, f, kept), &mut slopes[at(Slope::Forget)..]);
                s.store(s.neg_mul_add(new, g, i), &mut slopes[at(Slope::Candidate)..]);
                s.store(f, &mut slopes[at(Slope::Carry)..]);
            }
        }
    }
}

/// h = o tanh c of every unit, and the rest of the slopes if they will be read.
#[inline(always)]
pub(super) fn update_hidden<T: Real, S: Simd<T>, const VECTORS: usize, const RECORDING: bool>(
    s: S,
    slopes: &mut [T],
    cell: &[T],
    hidden: &mut [T],
) {
    let count = cell.len() / S::LANES;
    let whole = count / TOGETHER * TOGETHER;
    for first in (0..whole).step_by(TOGETHER) {
        hidden_vectors::<T, S, VECTORS, TOGETHER, RECORDING>(s, first, slopes, cell, hidden);
    }
    for first in whole..count {
        hidden_vectors::<T, S, VECTORS, 1, RECORDING>(s, first, slopes, cell, hidden);
    }
}

/// Vectors whose hyperbolic tangents are taken together.
const TOGETHER: usize = 4;

/// [`update_hidden`] for `N` vectors from `first`.
#[inline(always)]
fn hidden_vectors<T: Real, S: Simd<T>, const VECTORS: usize, const N: usize, const RECORDING: bool>(
    s: S,
    first: usize,
    slopes: &mut [T],
    cell: &[T],
    hidden: &mut [T],
) {
    let mut tanh = [s.splat(T::ZERO); N];
    for (index, tanh) in tanh.iter_mut().enumerate() {
        *tanh = s.load(&cell[(first + index) * S::LANES..]);
    }
    let tanh = T::tanh_each(s, tanh);
    for (index, tanh) in tanh.into_iter().enumerate() {
        let (unit, vector) = ((first + index) / VECTORS, (first + index) % VECTORS);
        let slopes = &mut slopes[unit * SLOPES * VECTORS * S::LANES..][..SLOPES * VECTORS * S::LANES];
        let at = |slope| slope_at(slope, vector, VECTORS, S::LANES);
        let o = s.load(&slopes[at(Slope::Output)..]);
        let h = s.mul(o, tanh);
        s.store(h, &mut hidden[(first + index) * S::LANES..]);
        if RECORDING {
            s.store(s.neg_mul_add(h, o, h), &mut slopes[at(Slope::Output)..]);
            s.store(s.neg_mul_add(h, tanh, o), &mut slopes[at(Slope::Cell)..]);
        }
    }
}
