//! Which units of the encoder work in the linear range of their cell.

use std::ops::Range;

use super::parameters::Layout;

/// Share of its learned size at which a linear unit's candidate enters the cell. tanh(x / 10) is x / 10 within 3 % up to
/// x = 3, and the unit still saturates in the end: a crisis is not extrapolated without bound.
const LINEAR_SCALE: f64 = 0.1;

/// The candidate's place among the gates i, f, g, o.
const CANDIDATE: usize = 2;

/// What the encoder's units compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cell {
    /// `h = o tanh(c)`, `g = tanh(a)` in all units.
    Lstm,
    /// Every third unit has `h = o c`, `g = a`: gates times a linear function, as products of factors need. It is an
    /// LSTM whose candidate is a tenth as large and whose hidden state counts tenfold.
    #[default]
    Mixed,
}

impl Cell {
    /// What a unit's candidate is multiplied by and its hidden state divided by.
    #[must_use]
    pub fn scale(self, unit: usize) -> f64 {
        match self {
            Self::Mixed if unit % 3 == 1 => LINEAR_SCALE,
            _ => 1.0,
        }
    }
}

impl Layout {
    /// Ranges of the encoder's parameters that make the candidate of a unit: of weight_ih, weight_hh and bias_ih.
    fn candidate(&self, unit: usize) -> [Range<usize>; 3] {
        let [ih, hh, ..] = self.encoder().layer_lengths(0);
        let row = CANDIDATE * self.hidden_size + unit;
        let (inputs, hidden) = (self.window_size, self.hidden_size);
        [
            row * inputs..(row + 1) * inputs,
            ih + row * hidden..ih + (row + 1) * hidden,
            ih + hh + row..ih + hh + row + 1,
        ]
    }

    /// Multiplies the encoder's candidate parameters (or the gradient that came back to them) by their units' scales.
    pub fn scale_candidates(&self, encoder: &mut [f64]) {
        for unit in 0..self.hidden_size {
            let scale = self.cell.scale(unit);
            if scale != 1.0 {
                for range in self.candidate(unit) {
                    encoder[range].iter_mut().for_each(|x| *x *= scale);
                }
            }
        }
    }

    /// The same function as a plain LSTM with heads on its own hidden states: layout and parameters.
    #[must_use]
    pub fn plain(&self, flat: &[f64]) -> (Self, Vec<f64>) {
        let plain = Self {
            cell: Cell::Lstm,
            ..*self
        };
        let mut out = flat.to_vec();
        let [encoder, _, _, loadings, common, ..] = self.ranges();
        self.scale_candidates(&mut out[encoder]);
        for unit in 0..self.hidden_size {
            let scale = self.cell.scale(unit);
            for (feature, _) in self.unit_columns(unit) {
                for column in out[loadings.clone()].chunks_mut(self.features()) {
                    column[feature] /= scale;
                }
                out[common.start + feature] -= scale.ln();
            }
        }
        (plain, out)
    }
}
