//! Features of the heads: factors, last hidden state of the LSTM or its products with the factors, pooled lag filters.

use faer::{Accum, Mat, MatRef};
use macrograd_simd::{Control, Real};

use super::dense::multiply;
use super::inputs::Inputs;
use super::parameters::Layout;
use super::random::Random;
use crate::encoder::{Tape, encoder_backward, encoder_forward};
use crate::error::LstmError;
use crate::sequences::Sequences;
use crate::weights::LstmWeights;

/// The features of chosen rows as a function of the learned parameters, with all buffers; runs on one thread.
pub struct Features<'a, T> {
    inputs: &'a Inputs<'a>,
    layout: Layout,
    rows: Vec<usize>,
    lookback: usize,
    /// ZL of the rows: [row][bump, factor].
    bumped: Mat<f64>,
    /// Window inputs and z as they enter, with input noise where there is any.
    window: Vec<T>,
    factors: Vec<f64>,
    /// The encoder's parameters before they are rounded into `weights`.
    scaled: Vec<f64>,
    weights: LstmWeights<T>,
    gradient: LstmWeights<T>,
    windows: Vec<T>,
    hidden: Vec<T>,
    tape: Tape<T>,
    control: Control,
    values: Mat<f64>,
}

impl<'a, T: Real> Features<'a, T> {
    /// Features of the dates `rows`, without noise.
    ///
    /// # Errors
    /// [`LstmError::ZeroSize`] for a size of 0.
    pub fn new(inputs: &'a Inputs<'a>, layout: Layout, rows: &[usize], lookback: usize) -> Result<Self, LstmError> {
        let weights = LstmWeights::zeros(layout.encoder())?;
        let bumped = inputs.bumped_lags();
        Ok(Self {
            bumped: Mat::from_fn(rows.len(), bumped.ncols(), |i, j| bumped[(rows[i], j)]),
            window: inputs.window.iter().map(|&x| T::from_f64(x)).collect(),
            factors: inputs.factors.to_vec(),
            scaled: Vec::with_capacity(layout.encoder().parameter_count()),
            gradient: weights.clone(),
            weights,
            windows: Vec::with_capacity(rows.len() * lookback * inputs.window_size),
            hidden: vec![T::ZERO; rows.len() * layout.hidden_size],
            tape: Tape::default(),
            control: Control::with_threads(1),
            values: Mat::zeros(rows.len(), layout.features()),
            rows: rows.to_vec(),
            inputs,
            layout,
            lookback,
        })
    }

    /// Puts fresh noise of SD `sd` on z, and on the first `noisy_columns` inputs of the window: one draw a date, which
    /// all windows that contain the date share.
    pub fn perturb(&mut self, noisy_columns: usize, sd: f64, random: &mut Random) {
        let size = self.inputs.window_size;
        for (to, from) in self.window.chunks_mut(size).zip(self.inputs.window.chunks(size)) {
            for (to, from) in to.iter_mut().zip(from).take(noisy_columns) {
                *to = T::from_f64(from + sd * random.normal());
            }
        }
        for (to, from) in self.factors.iter_mut().zip(self.inputs.factors) {
            *to = from + sd * random.normal();
        }
    }

    /// Features `[row][feature]` at the parameters `flat`.
    ///
    /// # Errors
    /// Those of [`encoder_forward`].
    pub fn compute(&mut self, flat: &[f64]) -> Result<MatRef<'_, f64>, LstmError> {
        let Layout {
            factors, hidden_size, ..
        } = self.layout;
        for factor in 0..factors {
            for (to, &row) in self.values.col_mut(factor).iter_mut().zip(&self.rows) {
                *to = self.factors[row * factors + factor];
            }
        }
        self.layout.read_encoder(flat, &mut self.scaled, &mut self.weights);
        gather_windows(
            &self.window,
            self.inputs.window_size,
            (&self.rows, self.layout.form.delay()),
            self.lookback,
            &mut self.windows,
        );
        let windows = Sequences::new(&self.windows, self.rows.len(), self.lookback);
        encoder_forward(&self.weights, &windows, &mut self.tape, &mut self.hidden, &self.control)?;
        for unit in 0..hidden_size {
            let scale = self.layout.cell.scale(unit).recip();
            for (column, factor) in self.layout.unit_columns(unit) {
                let from = self.hidden.iter().skip(unit).step_by(hidden_size).zip(&self.rows);
                for (to, (from, &row)) in self.values.col_mut(column).iter_mut().zip(from) {
                    *to = scale * from.to_f64() * weight(&self.factors, factors, row, factor);
                }
            }
        }
        let first = self.values.ncols() - self.layout.filters;
        multiply(
            self.values.subcols_mut(first, self.layout.filters),
            Accum::Replace,
            self.bumped.as_ref(),
            self.layout.filters(flat),
            1.0,
        );
        Ok(self.values.as_ref())
    }

    /// Mean over the rows of the features last computed.
    #[must_use]
    pub fn means(&self) -> Vec<f64> {
        let rows = self.values.nrows() as f64;
        (0..self.values.ncols())
            .map(|k| self.values.col(k).iter().sum::<f64>() / rows)
            .collect()
    }

    /// Pulls the cotangent of the features last computed back to encoder and lag filters, into their ranges of
    /// `gradient`.
    ///
    /// # Errors
    /// Those of [`encoder_backward`].
    pub fn backward(&mut self, cotangent: MatRef<'_, f64>, gradient: &mut [f64]) -> Result<(), LstmError> {
        let Layout {
            factors, hidden_size, ..
        } = self.layout;
        for unit in 0..hidden_size {
            let scale = self.layout.cell.scale(unit).recip();
            for (place, (column, factor)) in self.layout.unit_columns(unit).enumerate() {
                let to = self.hidden.iter_mut().skip(unit).step_by(hidden_size).zip(&self.rows);
                for ((to, &row), from) in to.zip(cotangent.col(column).iter()) {
                    let part = T::from_f64(scale * from * weight(&self.factors, factors, row, factor));
                    *to = if place == 0 { part } else { *to + part };
                }
            }
        }
        encoder_backward(
            &self.weights,
            &mut self.tape,
            &self.hidden,
            &mut self.gradient,
            &self.control,
        )?;
        let [encoder, filters, ..] = self.layout.ranges();
        let learned = self.layout.learned_encoder().end;
        for (to, from) in gradient[encoder.clone()]
            .iter_mut()
            .zip(self.gradient.arrays().flatten())
        {
            *to = from.to_f64();
        }
        self.layout.scale_candidates(&mut gradient[encoder.clone()]);
        gradient[learned..encoder.end].fill(0.0);
        let slopes =
            faer::MatMut::from_column_major_slice_mut(&mut gradient[filters], self.bumped.ncols(), self.layout.filters);
        multiply(
            slopes,
            Accum::Replace,
            self.bumped.transpose(),
            cotangent.subcols(cotangent.ncols() - self.layout.filters, self.layout.filters),
            1.0,
        );
        Ok(())
    }
}

/// What a unit is multiplied by at a date: 1, or a factor of `[row][factor]`.
fn weight(factors: &[f64], count: usize, row: usize, factor: Option<usize>) -> f64 {
    factor.map_or(1.0, |f| factors[row * count + f])
}

/// Copies the windows that end `delay` rows before `rows` into `out`, `[row][lookback][input]`; steps before the first
/// date are 0.
pub fn gather_windows<T: Real>(
    window: &[T],
    input_size: usize,
    (rows, delay): (&[usize], usize),
    lookback: usize,
    out: &mut Vec<T>,
) {
    out.clear();
    for &row in rows {
        let end = row + 1 - delay;
        let missing = lookback.saturating_sub(end);
        out.resize(out.len() + missing * input_size, T::ZERO);
        out.extend_from_slice(&window[end.saturating_sub(lookback) * input_size..end * input_size]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_that_reach_before_the_first_date_start_with_zeros() {
        let window = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut out = Vec::new();
        gather_windows(&window, 2, (&[0, 2], 0), 3, &mut out);
        assert_eq!(out, [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        gather_windows(&window, 2, (&[0, 2], 1), 3, &mut out);
        assert_eq!(out, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0]);
    }
}
