//! Memory that a call takes beside its caller's arrays, from the sizes alone; the formula is in docs/performance.md.

use macrograd_simd::{Isa, Real};

use crate::encoder::group_tiles;
use crate::kernel::{PackedLayer, RING_STEPS, SLOPES, TilePlan, chunk_tiles};
use crate::weights::{GATES, LstmShape};

/// What is to be done with a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryUse {
    /// [`crate::predict`].
    Forward,
    /// [`crate::jacobian`] and [`crate::jacobian_columns`].
    Jacobian,
    /// [`crate::train::train`] without penalties on the Jacobian; the batch is a step's.
    Training,
}

/// Sizes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemorySizes {
    /// Of the LSTM.
    pub shape: LstmShape,
    /// Rows of the head.
    pub outputs: usize,
    /// Windows of a call, or of a training step.
    pub batch_size: usize,
    /// L.
    pub sequence_length: usize,
    /// Threads at work.
    pub threads: usize,
}

/// Bytes by purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Weights in the order in which products read them.
    pub weights: usize,
    /// States, and what the backward pass reads of the forward pass.
    pub tapes: usize,
    /// Buffers of the backward pass, and sums of weight gradients.
    pub backward: usize,
    /// Parameters, moments and gradients of the optimiser, and the gathered batch.
    pub training: usize,
}

impl Memory {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> usize {
        self.weights + self.tapes + self.backward + self.training
    }
}

/// Memory that a call of these sizes takes on an instruction set, its caller's arrays aside.
#[must_use]
pub fn estimate_memory<T: Real>(sizes: MemorySizes, work: MemoryUse, isa: Isa) -> Memory {
    let estimate = Estimate {
        layers: (0..sizes.shape.layers)
            .map(|layer| PackedLayer::<T>::sized(sizes.shape.layer_input_size(layer), sizes.shape.hidden_size, isa))
            .collect(),
        plan: TilePlan::new::<T>(sizes.batch_size, isa),
        sizes,
        work,
    };
    let unit = size_of::<T>();
    Memory {
        weights: unit * estimate.weights(),
        tapes: unit * estimate.tapes(),
        backward: unit * estimate.backward(),
        training: estimate.training(unit),
    }
}

struct Estimate<T> {
    layers: Vec<PackedLayer<T>>,
    plan: TilePlan,
    sizes: MemorySizes,
    work: MemoryUse,
}

/// Elements, unless said otherwise.
impl<T: Real> Estimate<T> {
    fn weights(&self) -> usize {
        let of_layer = |(index, layer): (usize, &PackedLayer<T>)| {
            let forward = GATES * layer.padded_units() * (layer.operand_rows() + 1);
            let hidden = GATES * layer.hidden_size * layer.padded_hidden_rows();
            let inputs = GATES * layer.hidden_size * layer.padded_input_rows();
            match self.work {
                MemoryUse::Forward => forward,
                MemoryUse::Training if index == 0 => forward + hidden,
                MemoryUse::Training | MemoryUse::Jacobian => forward + hidden + inputs,
            }
        };
        self.layers.iter().enumerate().map(of_layer).sum()
    }

    /// Of every tile that is alive: a chunk of them a thread in training, else one.
    fn tapes(&self) -> usize {
        let length = self.sizes.sequence_length;
        let lane = |layer: &PackedLayer<T>| {
            let units = layer.padded_units();
            let recorded = if self.work == MemoryUse::Forward { 1 } else { length };
            (length + 1) * (layer.input_size + units) + units + SLOPES * recorded * units
        };
        let lanes = self.threads() * self.chunk_lanes();
        lanes * self.layers.iter().map(lane).sum::<usize>()
    }

    /// Lanes of the tiles that a thread has at work.
    fn chunk_lanes(&self) -> usize {
        let tiles = match self.work {
            MemoryUse::Training => chunk_tiles(self.sizes.sequence_length).min(self.plan.tile_count()),
            MemoryUse::Forward | MemoryUse::Jacobian => 1,
        };
        tiles * self.plan.full_lanes()
    }

    fn backward(&self) -> usize {
        let (length, lanes) = (self.sizes.sequence_length, self.plan.full_lanes());
        let is_training = self.work == MemoryUse::Training;
        let ring = if is_training {
            chunk_tiles(length) * length.min(RING_STEPS)
        } else {
            1
        };
        let of_layer = |(index, layer): (usize, &PackedLayer<T>)| {
            let inputs = if is_training && index == 0 {
                0
            } else {
                length * layer.padded_input_rows()
            };
            let operands = if is_training { ring * layer.padded_columns() } else { 0 };
            (ring * GATES + 1) * layer.padded_units() + operands + layer.padded_hidden_rows() + inputs
        };
        let sums: usize = self
            .layers
            .iter()
            .map(|layer| GATES * layer.padded_units() * (layer.padded_columns() + 1))
            .sum();
        match self.work {
            MemoryUse::Forward => 0,
            MemoryUse::Jacobian => self.threads() * lanes * self.layers.iter().enumerate().map(of_layer).sum::<usize>(),
            MemoryUse::Training => {
                let groups = self
                    .plan
                    .tile_count()
                    .div_ceil(group_tiles(&self.plan, self.sizes.shape, length));
                self.threads() * lanes * self.layers.iter().enumerate().map(of_layer).sum::<usize>()
                    + (groups + self.threads()) * sums
            }
        }
    }

    /// Bytes: parameters, the best so far, gradient and two moments in float64; the gradient, the gathered batch (of all rows
    /// without noise there is none: then this is as much too large), and states with their cotangents.
    fn training(&self, unit: usize) -> usize {
        if self.work != MemoryUse::Training {
            return 0;
        }
        let MemorySizes {
            shape,
            outputs,
            batch_size,
            sequence_length,
            ..
        } = self.sizes;
        let head = outputs * (shape.hidden_size + 1);
        let parameters = shape.parameter_count() + head;
        let row = sequence_length * shape.input_size + outputs;
        let states = self.threads() * self.chunk_lanes() * (2 * shape.hidden_size + outputs);
        5 * parameters * size_of::<f64>() + unit * (shape.parameter_count() + head + batch_size * row + states)
    }

    fn threads(&self) -> usize {
        self.sizes.threads.min(self.plan.tile_count()).max(1)
    }
}
