//! Backward pass through time of a chunk of tiles. Equations: docs/derivations/lstm.md.

use macrograd_simd::{Buffer, Kernel, Real, Simd};

use super::pack::{PackedLayer, PackedWeights};
use super::product::product_into;
use super::tape::{LayerTape, SLOPES, Slope, TileTape, operand_stride, slope_at};
use super::weight_gradient::{LayerSum, RING_STEPS, Ring, accumulate};
use crate::weights::GATES;

/// What a backward pass is to compute beside the hidden states' cotangents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub weights: bool,
    pub inputs: bool,
    /// Cotangents of the states before the first step; without, their product at the first step is left out.
    pub states: bool,
}

/// Buffers of one thread.
#[derive(Debug)]
pub(crate) struct BackwardScratch<T> {
    rings: Vec<Ring<T>>,
    /// Weight gradients of the tiles since [`BackwardScratch::clear_sums`].
    pub sums: Vec<LayerSum<T>>,
    /// Per layer [H padded]: after the pass the cotangent of the hidden state before the first step.
    pub d_hidden: Vec<Buffer<T>>,
    /// Per layer [H padded]: after the pass the cotangent of the cell state before the first step.
    pub d_cell: Vec<Buffer<T>>,
    /// Per layer [L][rows padded]: cotangents of the layer's inputs; of the first layer only if wanted.
    pub d_inputs: Vec<Buffer<T>>,
    /// [L][H padded]: cotangents of the top layer's hidden states, if every step has one.
    pub d_steps: Buffer<T>,
}

impl<T: Real> BackwardScratch<T> {
    pub(crate) fn empty() -> Self {
        Self {
            rings: Vec::new(),
            sums: Vec::new(),
            d_hidden: Vec::new(),
            d_cell: Vec::new(),
            d_inputs: Vec::new(),
            d_steps: Buffer::zeros(0),
        }
    }

    /// Makes room for tiles of up to `lanes` lanes and `length` steps.
    pub(crate) fn prepare(&mut self, layers: &[PackedLayer<T>], lanes: usize, length: usize, wanted: Wanted) {
        let count = layers.len();
        self.rings.resize_with(count, Ring::default);
        self.sums.resize_with(count, LayerSum::default);
        for buffers in [&mut self.d_hidden, &mut self.d_cell, &mut self.d_inputs] {
            buffers.resize_with(count, || Buffer::zeros(0));
        }
        for (index, layer) in layers.iter().enumerate() {
            let steps = if wanted.weights {
                chunk_tiles(length) * length.min(RING_STEPS)
            } else {
                1
            };
            self.rings[index].prepare(layer, lanes, steps, wanted.weights);
            self.d_hidden[index].resize(layer.padded_hidden_rows() * lanes);
            self.d_cell[index].resize(layer.padded_units() * lanes);
            let inputs = if wanted.inputs || index > 0 {
                length * layer.padded_input_rows() * lanes
            } else {
                0
            };
            self.d_inputs[index].resize(inputs);
        }
    }

    /// Starts a new sum of weight gradients.
    pub(crate) fn clear_sums(&mut self, layers: &[PackedLayer<T>]) {
        for (sum, layer) in self.sums.iter_mut().zip(layers) {
            sum.clear(layer);
        }
    }
}

/// Tiles whose weight gradients are summed together, so that short sequences fill the ring too.
pub(crate) fn chunk_tiles(length: usize) -> usize {
    RING_STEPS.div_ceil(length)
}

/// Work: tiles of one size, all layers from the top down. `seed` writes the cotangent of a tile's last hidden state
/// to [H][lane], and returns whether `d_steps` holds cotangents of every step; `finish` reads a tile's results out of
/// the scratch space.
pub(crate) struct BackwardTiles<'a, T> {
    pub weights: &'a PackedWeights<T>,
    pub tapes: &'a [TileTape<T>],
    pub scratch: &'a mut BackwardScratch<T>,
    pub length: usize,
    pub has_state: bool,
    pub wanted: Wanted,
    pub seed: &'a mut Seed<'a, T>,
    pub finish: &'a mut Finish<'a, T>,
}

/// Writes the cotangents that a tile's pass starts from; called with the tile, the last hidden state's [H][lane] (zeros)
/// and the buffer for those of every step.
pub(crate) type Seed<'a, T> = dyn FnMut(usize, &mut [T], &mut Buffer<T>) -> bool + 'a;

/// Reads a tile's results out of the scratch space.
pub(crate) type Finish<'a, T> = dyn FnMut(usize, &BackwardScratch<T>) + 'a;

impl<T: Real> Kernel<T> for BackwardTiles<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, s: S) {
        let Some(first) = self.tapes.first() else { return };
        match (S::WIDE, first.size.vectors) {
            (false, 1) => self.all_tiles::<S, 4, 1>(s),
            (false, _) => self.all_tiles::<S, 4, 2>(s),
            (true, 1) => self.all_tiles::<S, 8, 1>(s),
            (true, 2) => self.all_tiles::<S, 8, 2>(s),
            (true, _) => self.all_tiles::<S, 8, 3>(s),
        }
    }
}

impl<T: Real> BackwardTiles<'_, T> {
    #[inline(always)]
    fn all_tiles<S: Simd<T>, const ROWS: usize, const VECTORS: usize>(&mut self, s: S) {
        let weights = self.weights;
        let layers = &weights.layers;
        let top = layers.len() - 1;
        for tile in 0..self.tapes.len() {
            for buffers in [&mut self.scratch.d_hidden, &mut self.scratch.d_cell] {
                buffers.iter_mut().for_each(|buffer| buffer.fill(T::ZERO));
            }
            let every_step = (self.seed)(tile, &mut self.scratch.d_hidden[top], &mut self.scratch.d_steps);
            for index in (0..=top).rev() {
                self.one_layer::<S, ROWS, VECTORS>(s, tile, index, every_step);
            }
            (self.finish)(tile, self.scratch);
        }
        for index in 0..=top {
            self.flush::<S, ROWS, VECTORS>(s, index);
        }
    }

    /// Back through time in one layer of one tile.
    #[inline(always)]
    fn one_layer<S: Simd<T>, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        s: S,
        tile: usize,
        index: usize,
        every_step: bool,
    ) {
        let (weights, tapes) = (self.weights, self.tapes);
        let layers = &weights.layers;
        let (layer, tape) = (&layers[index], &tapes[tile].layers[index]);
        let lanes = VECTORS * S::LANES;
        let (hidden_rows, input_rows) = (layer.padded_hidden_rows() * lanes, layer.padded_input_rows() * lanes);
        let gate_rows = GATES * layer.padded_units() * lanes;
        let (k_size, stride) = (GATES * layer.hidden_size, operand_stride(layer, lanes));
        let inputs_wanted = self.wanted.inputs || index > 0;
        for step in (0..self.length).rev() {
            if self.scratch.rings[index].filled == self.scratch.rings[index].capacity {
                self.flush::<S, ROWS, VECTORS>(s, index);
            }
            let scratch = &mut *self.scratch;
            let step_cotangent: &[T] = match (index + 1 < layers.len(), every_step) {
                (true, _) => &scratch.d_inputs[index + 1][step * layers[index + 1].padded_input_rows() * lanes..],
                (false, true) => &scratch.d_steps[step * hidden_rows..],
                (false, false) => &[],
            };
            let ring = &mut scratch.rings[index];
            let d_gates = &mut ring.d_gates[ring.filled * gate_rows..][..gate_rows];
            let d_cell = &mut scratch.d_cell[index];
            pull_cell::<T, S, VECTORS>(
                s,
                layer,
                tape,
                step,
                step_cotangent,
                &scratch.d_hidden[index],
                d_cell,
                d_gates,
            );
            if step > 0 || self.wanted.states {
                let out = &mut scratch.d_hidden[index][..hidden_rows];
                product_into::<T, S, ROWS, VECTORS>(s, &layer.hidden_weights, d_gates, k_size, out);
            }
            if inputs_wanted {
                let out = &mut scratch.d_inputs[index][step * input_rows..][..input_rows];
                product_into::<T, S, ROWS, VECTORS>(s, &layer.input_weights, d_gates, k_size, out);
            }
            if self.wanted.weights {
                ring.push(s, layer, &tape.operand[step * stride..][..stride], lanes);
            }
        }
    }

    /// Adds the collected steps of a layer to its weight gradient.
    #[inline(always)]
    fn flush<S: Simd<T>, const ROWS: usize, const VECTORS: usize>(&mut self, s: S, index: usize) {
        let layer = &self.weights.layers[index];
        // Of a single step from zero states only the input columns are not 0.
        let rows = if self.length == 1 && !self.has_state {
            layer.input_size
        } else {
            layer.operand_rows()
        };
        let BackwardScratch { rings, sums, .. } = &mut *self.scratch;
        accumulate::<T, S, ROWS, VECTORS>(s, &mut rings[index], rows, &mut sums[index]);
    }
}

/// Cotangents of a step's gates before their activations, from those of its hidden and cell state; `d_cell` becomes
/// that of the cell state one step earlier. The factors: [`Slope`].
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "one step's arrays, each with its own owner")]
pub(super) fn pull_cell<T: Real, S: Simd<T>, const VECTORS: usize>(
    s: S,
    layer: &PackedLayer<T>,
    tape: &LayerTape<T>,
    step: usize,
    step_cotangent: &[T],
    d_hidden: &[T],
    d_cell: &mut [T],
    d_gates: &mut [T],
) {
    let (lanes, units) = (VECTORS * S::LANES, layer.padded_units());
    let slopes = &tape.slopes[step * units * SLOPES * lanes..][..units * SLOPES * lanes];
    // Indices, as the iterators of six arrays are too much to be inlined: a call for every unit costs more than its work.
    for unit in 0..units {
        let slopes = &slopes[unit * SLOPES * lanes..][..SLOPES * lanes];
        let d_hidden = &d_hidden[unit * lanes..][..lanes];
        let d_cell = &mut d_cell[unit * lanes..][..lanes];
        let d_gates = &mut d_gates[unit * GATES * lanes..][..GATES * lanes];
        for vector in 0..VECTORS {
            let at = vector * S::LANES;
            let slope = |slope| s.load(&slopes[slope_at(slope, vector, VECTORS, S::LANES)..]);
            let mut dh = s.load(&d_hidden[at..]);
            if unit < layer.hidden_size && !step_cotangent.is_empty() {
                dh = s.add(dh, s.load(&step_cotangent[unit * lanes + at..]));
            }
            let dc = s.mul_add(dh, slope(Slope::Cell), s.load(&d_cell[at..]));
            s.store(s.mul(dc, slope(Slope::Input)), &mut d_gates[at..]);
            s.store(s.mul(dc, slope(Slope::Forget)), &mut d_gates[lanes + at..]);
            s.store(s.mul(dc, slope(Slope::Candidate)), &mut d_gates[2 * lanes + at..]);
            s.store(s.mul(dh, slope(Slope::Output)), &mut d_gates[3 * lanes + at..]);
            s.store(s.mul(dc, slope(Slope::Carry)), &mut d_cell[at..]);
        }
    }
}
