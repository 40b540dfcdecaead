//! What the forward pass of one tile leaves for its backward pass.

use macrograd_simd::{Buffer, Real};

use super::layout::TileSize;
use super::pack::PackedLayer;

/// Rows of a unit in [`LayerTape::slopes`].
pub(crate) const SLOPES: usize = 6;

/// What one step of one unit leaves for the backward pass: the six factors that it multiplies with, worked out while all
/// that they consist of stands in registers. With gates i, f, g, o after their activations and c' the cell state before
/// the step, the cotangents dh of h = o tanh c and dc of c = f c' + i g give dh [`Slope::Output`] before the activation of
/// o, dc [`Slope::Input`], dc [`Slope::Forget`] and dc [`Slope::Candidate`] before those of i, f and g, and dc
/// [`Slope::Carry`] to c'; before, dc grows by dh [`Slope::Cell`].
#[derive(Debug, Clone, Copy)]
pub(crate) enum Slope {
    /// g i (1 - i).
    Input,
    /// c' f (1 - f).
    Forget,
    /// i (1 - g^2).
    Candidate,
    /// tanh c o (1 - o); o itself until tanh c is known.
    Output,
    /// o (1 - tanh^2 c).
    Cell,
    /// f.
    Carry,
}

/// Where a slope's vector stands in its unit's rows.
#[inline(always)]
pub(super) fn slope_at(slope: Slope, vector: usize, vectors: usize, vector_lanes: usize) -> usize {
    (slope as usize * vectors + vector) * vector_lanes
}

/// Buffers of one tile, all layers.
#[derive(Debug)]
pub(crate) struct TileTape<T> {
    pub size: TileSize,
    pub layers: Vec<LayerTape<T>>,
}

/// Buffers of one tile in one layer; layouts as in the module's table, each with a leading step dimension.
#[derive(Debug)]
pub(crate) struct LayerTape<T> {
    /// [L + 1][F + H padded]: step t holds x_t and h_{t-1}; the last one only the final h.
    pub operand: Buffer<T>,
    /// [H padded]: cell state, in the end the final one.
    pub cell: Buffer<T>,
    /// [L][H padded][6]: see [`Slope`]; of a pass that is not recorded, of the last step alone.
    pub slopes: Buffer<T>,
}

impl<T: Real> TileTape<T> {
    pub(crate) fn empty() -> Self {
        Self {
            size: TileSize {
                vectors: 1,
                lanes: 1,
                samples: 0,
            },
            layers: Vec::new(),
        }
    }

    /// Makes room for a tile of `length` steps; `recording` = also for what the backward pass reads.
    pub(crate) fn prepare(&mut self, layers: &[PackedLayer<T>], size: TileSize, length: usize, recording: bool) {
        self.size = size;
        self.layers.resize_with(layers.len(), || LayerTape {
            operand: Buffer::zeros(0),
            cell: Buffer::zeros(0),
            slopes: Buffer::zeros(0),
        });
        for (tape, layer) in self.layers.iter_mut().zip(layers) {
            let state = layer.padded_units() * size.lanes;
            tape.operand.resize((length + 1) * operand_stride(layer, size.lanes));
            tape.cell.resize(state);
            let recorded = if recording { length } else { 1 };
            tape.slopes.resize(recorded * SLOPES * state);
        }
    }

    /// Hidden state of a layer after `steps` steps, [H][lane] (and padding after it).
    pub(crate) fn hidden(&self, layers: &[PackedLayer<T>], layer: usize, steps: usize) -> &[T] {
        let packed = &layers[layer];
        let stride = operand_stride(packed, self.size.lanes);
        &self.layers[layer].operand[steps * stride + packed.input_size * self.size.lanes..(steps + 1) * stride]
    }
}

/// Elements of one step's operand, padded units included.
pub(super) fn operand_stride<T: Real>(layer: &PackedLayer<T>, lanes: usize) -> usize {
    (layer.input_size + layer.padded_units()) * lanes
}
