//! What the forward pass of one tile leaves for its backward pass.

use macrograd_simd::{Buffer, Real};

use super::layout::TileSize;
use super::pack::PackedLayer;
use crate::weights::GATES;

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
    /// [L][H padded][4], after their activations.
    pub gates: Buffer<T>,
    /// [L][H padded]: c_{t-1}.
    pub cell_before: Buffer<T>,
    /// [L][H padded]: tanh c_t.
    pub tanh_cell: Buffer<T>,
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
            gates: Buffer::zeros(0),
            cell_before: Buffer::zeros(0),
            tanh_cell: Buffer::zeros(0),
        });
        for (tape, layer) in self.layers.iter_mut().zip(layers) {
            let state = layer.padded_units() * size.lanes;
            tape.operand.resize((length + 1) * operand_stride(layer, size.lanes));
            tape.cell.resize(state);
            if recording {
                tape.gates.resize(length * GATES * state);
                tape.cell_before.resize(length * state);
                tape.tanh_cell.resize(length * state);
            }
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
