//! The stages of a step by themselves, on one full tile: for benchmarks alone.

use macrograd_simd::{Buffer, Isa, Kernel, Real, Simd};

use super::backward::pull_cell;
use super::forward::{gate_products, update_cells, update_hidden};
use super::layout::TilePlan;
use super::pack::PackedWeights;
use super::product::product_into;
use super::tape::{SLOPES, TileTape, operand_stride};
use super::weight_gradient::{LayerSum, RING_STEPS, Ring, accumulate};
use crate::error::LstmError;
use crate::weights::{GATES, LstmWeights};

/// A stage of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// Gates before their activations, of all units: blocks of products with the operand.
    GateProducts,
    /// Activations of the gates, cell states and the slopes that are known by then.
    Cells,
    /// Hidden states and the other slopes.
    Hidden,
    /// Cotangents of the gates from those of the states.
    PullCell,
    /// Cotangents of the hidden states before the step.
    HiddenProducts,
    /// Turning the operands of a ring of steps: samples by columns.
    Turn,
    /// The weight gradient of as many steps, whose operands are turned.
    WeightGradient,
}

impl Piece {
    /// All of them, in the order of a training step.
    pub const ALL: [Self; 7] = [
        Self::GateProducts,
        Self::Cells,
        Self::Hidden,
        Self::PullCell,
        Self::HiddenProducts,
        Self::Turn,
        Self::WeightGradient,
    ];

    /// Steps that one run covers.
    #[must_use]
    pub fn steps(self) -> usize {
        match self {
            Self::Turn | Self::WeightGradient => RING_STEPS,
            _ => 1,
        }
    }
}

/// One layer's buffers for a full tile.
#[derive(Debug)]
pub struct Pieces<T> {
    isa: Isa,
    lanes: usize,
    weights: PackedWeights<T>,
    tape: TileTape<T>,
    d_hidden: Buffer<T>,
    d_cell: Buffer<T>,
    ring: Ring<T>,
    sum: LayerSum<T>,
}

impl<T: Real> Pieces<T> {
    /// Buffers for the first layer of `weights` on an instruction set; every state and cotangent starts as .1.
    ///
    /// # Errors
    /// [`LstmError::NotFinite`].
    pub fn new(weights: &LstmWeights<T>, isa: Isa) -> Result<Self, LstmError> {
        weights.check_finite()?;
        let mut packed = PackedWeights::default();
        packed.pack_forward(weights, isa);
        packed.pack_backward(weights, true);
        let lanes = TilePlan::new::<T>(1, isa).full_lanes();
        let mut tape = TileTape::empty();
        tape.prepare(&packed.layers, TilePlan::new::<T>(lanes, isa).tile(0), 1, true);
        let layer = &packed.layers[0];
        let mut ring = Ring::default();
        ring.prepare(layer, lanes, RING_STEPS, true);
        let mut sum = LayerSum::default();
        sum.clear(layer);
        let mut d_hidden = Buffer::zeros(layer.padded_hidden_rows() * lanes);
        let mut d_cell = Buffer::zeros(layer.padded_units() * lanes);
        let tenth = T::from_f64(0.1);
        let first = &mut tape.layers[0];
        for values in [&mut first.operand, &mut first.cell, &mut d_hidden, &mut d_cell] {
            values.fill(tenth);
        }
        ring.d_gates.fill(tenth);
        Ok(Self {
            isa,
            lanes,
            weights: packed,
            tape,
            d_hidden,
            d_cell,
            ring,
            sum,
        })
    }

    /// Samples of the tile.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.lanes
    }

    /// Runs a stage once.
    pub fn run(&mut self, piece: Piece) {
        T::dispatch(self.isa, OnePiece { pieces: self, piece });
    }
}

/// Work: one stage.
struct OnePiece<'a, T> {
    pieces: &'a mut Pieces<T>,
    piece: Piece,
}

impl<T: Real> Kernel<T> for OnePiece<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        match (S::WIDE, T::PARTS) {
            (false, 1) => self.on_tile::<S, 4, 2>(s),
            (false, _) => self.on_tile::<S, 4, 1>(s),
            (true, 1) => self.on_tile::<S, 8, 3>(s),
            (true, _) => self.on_tile::<S, 8, 1>(s),
        }
    }
}

impl<T: Real> OnePiece<'_, T> {
    #[inline(always)]
    fn on_tile<S: Simd<T>, const ROWS: usize, const VECTORS: usize>(self, s: S) {
        let Pieces {
            lanes,
            weights,
            tape,
            d_hidden,
            d_cell,
            ring,
            sum,
            ..
        } = self.pieces;
        let (lanes, layer, tape) = (*lanes, &weights.layers[0], &mut tape.layers[0]);
        let stride = operand_stride(layer, lanes);
        let gates = GATES * layer.padded_units() * lanes;
        match self.piece {
            Piece::GateProducts => {
                let rows = layer.operand_rows();
                gate_products::<T, S, ROWS, VECTORS>(s, layer, &tape.operand[..stride], rows, &mut tape.slopes);
            }
            Piece::Cells => update_cells::<T, S, VECTORS, true>(s, &mut tape.slopes, &mut tape.cell),
            Piece::Hidden => {
                let hidden = &mut tape.operand[stride + layer.input_size * lanes..];
                update_hidden::<T, S, VECTORS, true>(s, &mut tape.slopes, &tape.cell, hidden);
            }
            Piece::PullCell => {
                debug_assert_eq!(tape.slopes.len(), SLOPES * layer.padded_units() * lanes);
                pull_cell::<T, S, VECTORS>(s, layer, tape, 0, &[], d_hidden, d_cell, &mut ring.d_gates[..gates]);
            }
            Piece::HiddenProducts => {
                let k_size = GATES * layer.hidden_size;
                product_into::<T, S, ROWS, VECTORS>(s, &layer.hidden_weights, &ring.d_gates[..gates], k_size, d_hidden);
            }
            Piece::Turn => {
                ring.filled = 0;
                while ring.filled < ring.capacity {
                    ring.push(s, layer, &tape.operand[..stride], lanes);
                }
            }
            Piece::WeightGradient => {
                ring.filled = ring.capacity;
                accumulate::<T, S, ROWS, VECTORS>(s, ring, layer.operand_rows(), sum);
            }
        }
    }
}
