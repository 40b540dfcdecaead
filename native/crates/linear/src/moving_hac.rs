//! Standard errors of moving regressions that allow for heteroscedastic and autocorrelated noise.

use crate::Panel;
use crate::hac::automatic_lags;
use crate::lanes::LANES;
use crate::path::PathSetup;
use crate::stream::{Window, WindowRow};

/// How the variance of a moving regression's coefficients is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovingErrors {
    /// Noise of one variance, not correlated over rows.
    Homoscedastic,
    /// Newey and West (1987) over the rows of the window, times n / (n - K), n the effective number of observations.
    Hac {
        /// Lags of the Bartlett kernel; `None` = [`automatic_lags`] of the observations in use.
        lags: Option<usize>,
    },
}

/// Rows with less than this weight are left out: they enter variances with its square.
const NEGLIGIBLE: f64 = 1e-5;

/// What assets with the same missing rows share at one row.
pub(crate) struct MovingHac {
    /// Rows in use, oldest first.
    rows: Vec<usize>,
    /// `[row in use][column]`: w_t (X'WX)^-1 x_t, by which an error moves the coefficients.
    influence: Vec<f64>,
    lags: usize,
    factor: f64,
}

impl MovingHac {
    /// Of a regression as of one row, where these errors are asked for.
    pub(crate) fn of(panel: &Panel, setup: &PathSetup, rows: &Window, found: &WindowRow) -> Option<Self> {
        match setup.errors {
            MovingErrors::Hac { lags } if setup.variances => {
                Some(Self::new(panel, &rows.weighted_rows(found.row), found, lags))
            }
            _ => None,
        }
    }

    fn new(panel: &Panel, weighted: &[(usize, f64)], window: &WindowRow, lags: Option<usize>) -> Self {
        let k = panel.columns;
        let used: Vec<(usize, f64)> = weighted
            .iter()
            .copied()
            .filter(|&(_, weight)| weight > NEGLIGIBLE)
            .collect();
        let mut influence = Vec::with_capacity(used.len() * k);
        for &(row, weight) in &used {
            let x = panel.design_row(row);
            influence.extend(
                window
                    .solver
                    .inverse
                    .chunks_exact(k)
                    .map(|inverse| weight * inverse.iter().zip(x).map(|(a, x)| a * x).sum::<f64>()),
            );
        }
        let (df, rank) = (window.degrees_of_freedom, window.solver.rank() as f64);
        Self {
            lags: lags.unwrap_or_else(|| automatic_lags(window.observations)),
            rows: used.iter().map(|&(row, _)| row).collect(),
            influence,
            factor: (df + rank) / df,
        }
    }

    /// Of coefficients b `[column][lane]`, in the same order: sum over |l| <= L of (1 - |l| / (L + 1)) sum_t z_t z_{t-l}, z_t = influence_t e_t.
    pub(crate) fn variances(&self, panel: &Panel, assets: &[usize], b: &[[f64; LANES]]) -> Vec<[f64; LANES]> {
        let k = panel.columns;
        let errors: Vec<[f64; LANES]> = self
            .rows
            .iter()
            .map(|&row| {
                let mut e = [0.0; LANES];
                e.iter_mut()
                    .zip(assets)
                    .for_each(|(e, &asset)| *e = panel.value(row, asset));
                for (x, b) in panel.design_row(row).iter().zip(b) {
                    (0..LANES).for_each(|lane| e[lane] -= x * b[lane]);
                }
                e
            })
            .collect();
        let mut moved = vec![[0.0; LANES]; errors.len()];
        (0..k)
            .map(|column| {
                let influence = self.influence.iter().skip(column).step_by(k);
                for ((moved, e), a) in moved.iter_mut().zip(&errors).zip(influence) {
                    *moved = e.map(|e| a * e);
                }
                self.long_run(&moved)
            })
            .collect()
    }

    fn long_run(&self, series: &[[f64; LANES]]) -> [f64; LANES] {
        let mut sum = [0.0; LANES];
        for lag in 0..=self.lags.min(series.len().saturating_sub(1)) {
            let once = 1.0 - lag as f64 / (self.lags + 1) as f64;
            let weight = self.factor * if lag == 0 { once } else { 2.0 * once };
            for (late, early) in series[lag..].iter().zip(series) {
                (0..LANES).for_each(|lane| sum[lane] += weight * late[lane] * early[lane]);
            }
        }
        sum
    }
}
