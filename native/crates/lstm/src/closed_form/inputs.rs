//! What goes into the features: inputs of the window, and the basis of the pooled lag filters.

use faer::Mat;

use crate::error::{LstmError, check_length};
use crate::sequences::check_finite;

/// Lags that the pooled lag filters reach: 0 to 12.
pub const LAG_COUNT: usize = 13;
/// Triangular bumps that each lag filter is made of.
pub const BUMPS: usize = 7;

/// Standardised inputs of consecutive dates; missing values are 0.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// Number of dates.
    pub rows: usize,
    /// What the LSTM's window sees, `[row][input]`: the factors first, then states, then flags "observed".
    pub window: &'a [f64],
    /// Inputs of the window a date.
    pub window_size: usize,
    /// z, `[row][factor]`.
    pub factors: &'a [f64],
    /// Factors a date.
    pub factor_count: usize,
}

impl Inputs<'_> {
    /// Refuses sizes that do not fit, and values that are not finite.
    ///
    /// # Errors
    /// [`LstmError::ShapeMismatch`], [`LstmError::ZeroSize`], [`LstmError::NotFinite`].
    pub fn validate(&self) -> Result<(), LstmError> {
        if self.factor_count == 0 {
            return Err(LstmError::ZeroSize { name: "factor_count" });
        }
        if self.window_size < self.factor_count {
            return Err(LstmError::BadOption {
                name: "window_size",
                value: self.window_size as f64,
                wanted: "at least the number of factors, which come first in the window",
            });
        }
        check_length("window", self.window.len(), self.rows * self.window_size)?;
        check_length("factors", self.factors.len(), self.rows * self.factor_count)?;
        check_finite("window", self.window)?;
        check_finite("factors", self.factors)
    }

    /// The first `rows` rows.
    #[must_use]
    pub fn first(&self, rows: usize) -> Self {
        Self {
            rows,
            window: &self.window[..rows * self.window_size],
            factors: &self.factors[..rows * self.factor_count],
            ..*self
        }
    }

    /// Bumped lags of the factors, [row][bump * factor_count + factor]: `sum_k LB[k, bump] z_{t-k}`. Dates before the
    /// first row count as 0.
    #[must_use]
    pub fn bumped_lags(&self) -> Mat<f64> {
        let basis = lag_basis();
        Mat::from_fn(self.rows, BUMPS * self.factor_count, |row, column| {
            let (bump, factor) = (column / self.factor_count, column % self.factor_count);
            (0..LAG_COUNT.min(row + 1))
                .map(|lag| basis[lag][bump] * self.factors[(row - lag) * self.factor_count + factor])
                .sum()
        })
    }
}

/// LB, `[lag][bump]`: triangles equally spaced in log(1 + lag / 2), each of unit length. Short lags get a bump each, long
/// ones share.
#[must_use]
pub fn lag_basis() -> [[f64; BUMPS]; LAG_COUNT] {
    let place = |lag: usize| (1.0 + lag as f64 / 2.0).ln();
    let spacing = place(LAG_COUNT - 1) / (BUMPS - 1) as f64;
    let mut basis = [[0.0; BUMPS]; LAG_COUNT];
    for bump in 0..BUMPS {
        let height = |lag: usize| (1.0 - (place(lag) / spacing - bump as f64).abs()).max(0.0);
        let length = (0..LAG_COUNT).map(|lag| height(lag).powi(2)).sum::<f64>().sqrt();
        for (lag, row) in basis.iter_mut().enumerate() {
            row[bump] = height(lag) / length;
        }
    }
    basis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lag_bumps_have_unit_length_and_cover_every_lag() {
        let basis = lag_basis();
        for bump in 0..BUMPS {
            let square: f64 = basis.iter().map(|row| row[bump] * row[bump]).sum();
            assert!((square - 1.0).abs() < 1e-14, "bump {bump}");
        }
        assert!(basis.iter().all(|row| row.iter().any(|&x| x > 0.0)));
    }

    #[test]
    fn bumped_lags_of_an_impulse_trace_the_basis() {
        let mut factors = vec![0.0; 2 * 15];
        factors[2 + 1] = 1.0; // row 1, factor 1
        let inputs = Inputs {
            rows: 15,
            window: &factors,
            window_size: 2,
            factors: &factors,
            factor_count: 2,
        };
        let (lags, basis) = (inputs.bumped_lags(), lag_basis());
        for row in 0..15_usize {
            for bump in 0..BUMPS {
                let expected = row
                    .checked_sub(1)
                    .filter(|&k| k < LAG_COUNT)
                    .map_or(0.0, |k| basis[k][bump]);
                assert_eq!(lags[(row, 2 * bump + 1)], expected);
                assert_eq!(lags[(row, 2 * bump)], 0.0);
            }
        }
    }
}
