//! Forward pass of one tile through all layers and steps.

use macrograd_simd::{Kernel, Real, Simd};

use super::layout::to_lanes;
use super::pack::{PackedLayer, PackedWeights};
use super::product::{Block, product};
use super::tape::{LayerTape, TileTape, operand_stride};
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
            self.load_inputs(index, layer);
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
    fn load_inputs(&mut self, index: usize, layer: &PackedLayer<T>) {
        let (size, length, f) = (self.tape.size, self.sequences.sequence_length, layer.input_size);
        let stride = operand_stride(layer, size.lanes);
        if index == 0 {
            let sample_size = length * f;
            let rows = &self.sequences.input[self.first_sample * sample_size..][..size.samples * sample_size];
            for step in 0..length {
                let operand = &mut self.tape.layers[0].operand[step * stride..][..f * size.lanes];
                to_lanes(&rows[step * f..], sample_size, f, size, operand);
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
    let state = layer.padded_units() * lanes;
    let block = ROWS / GATES * lanes;
    for step in 0..length {
        let (now, next) = tape.operand[step * stride..(step + 2) * stride].split_at_mut(stride);
        let next_hidden = &mut next[layer.input_size * lanes..];
        let k_size = if step == 0 && !has_state {
            layer.input_size
        } else {
            layer.operand_rows()
        };
        let weights = layer.gate_weights.chunks_exact(layer.operand_rows() * ROWS);
        let states = tape
            .cell
            .chunks_exact_mut(block)
            .zip(next_hidden.chunks_exact_mut(block));
        let blocks = weights.zip(layer.gate_bias.chunks_exact(ROWS)).zip(states);
        for (index, ((weights, bias), (cell, hidden))) in blocks.enumerate() {
            let mut acc = [[s.splat(T::ZERO); VECTORS]; ROWS];
            for row in 0..ROWS {
                acc[row] = [s.splat(bias[row]); VECTORS];
            }
            let acc = product::<T, S, ROWS, VECTORS>(s, weights, now, k_size, acc);
            if recording {
                let at = step * state + index * block;
                let record = Record {
                    gates: &mut tape.gates[GATES * at..][..GATES * block],
                    cell_before: &mut tape.cell_before[at..][..block],
                    tanh_cell: &mut tape.tanh_cell[at..][..block],
                };
                update::<T, S, ROWS, VECTORS>(s, acc, cell, hidden, Some(record));
            } else {
                update::<T, S, ROWS, VECTORS>(s, acc, cell, hidden, None);
            }
        }
    }
}

/// Where one block's values for the backward pass go.
struct Record<'a, T> {
    gates: &'a mut [T],
    cell_before: &'a mut [T],
    tanh_cell: &'a mut [T],
}

/// Activations and cell update of a block, straight from the product's registers:
/// c = f c + i g, h = o tanh c.
#[inline(always)]
fn update<T: Real, S: Simd<T>, const ROWS: usize, const VECTORS: usize>(
    s: S,
    acc: Block<S::V, ROWS, VECTORS>,
    cell: &mut [T],
    hidden: &mut [T],
    mut record: Option<Record<'_, T>>,
) {
    for unit in 0..ROWS / GATES {
        for vector in 0..VECTORS {
            let at = (unit * VECTORS + vector) * S::LANES;
            let i = s.sigmoid_of_half(acc[GATES * unit][vector]);
            let f = s.sigmoid_of_half(acc[GATES * unit + 1][vector]);
            let g = s.tanh(acc[GATES * unit + 2][vector]);
            let o = s.sigmoid_of_half(acc[GATES * unit + 3][vector]);
            let before = s.load(&cell[at..]);
            let c = s.mul_add(f, before, s.mul(i, g));
            let tanh_cell = s.tanh(c);
            s.store(c, &mut cell[at..]);
            s.store(s.mul(o, tanh_cell), &mut hidden[at..]);
            if let Some(record) = &mut record {
                for (gate, value) in [i, f, g, o].into_iter().enumerate() {
                    s.store(
                        value,
                        &mut record.gates[((unit * GATES + gate) * VECTORS + vector) * S::LANES..],
                    );
                }
                s.store(before, &mut record.cell_before[at..]);
                s.store(tanh_cell, &mut record.tanh_cell[at..]);
            }
        }
    }
}
