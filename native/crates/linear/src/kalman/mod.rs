//! Regressions whose coefficients follow random walks or revert: Kalman filter, fixed-interval smoother, likelihood and
//! score.
//!
//!   r_it = x_t'b_it + e_it,   b_i,t+1 = phi b_it + u_it,   e_it ~ N(0, s_i^2 c_it),   u_it ~ N(0, s_i^2 diag q)
//!
//! phi = 1 walks; a coefficient that reverts to a mean is the sum of two states, the mean (phi = 1, q = 0) and the
//! deviation. c = 1, or what fat tails or moving volatility make of it (`adaptive`).
//!
//! Variances are in units of the noise variance s_i^2, so that assets which miss the same rows share one covariance
//! recursion whatever their noise. Infinite initial variances are exactly diffuse (Koopman 1997; Durbin and Koopman
//! 2012, 5.2-5.4). Covariances are updated in Joseph's form, applied as two rank-one products: they stay positive
//! semi-definite to rounding. [`KalmanForm::SquareRoot`] carries factors of them instead.

mod adaptive;
mod each;
mod likelihood;
mod path;
mod recursion;
mod regular;
mod square_root;
mod states;
mod variances;

pub use adaptive::KalmanNoise;
pub use each::kalman_variances_each;
pub use likelihood::{KalmanLikelihood, kalman_likelihood};
pub use path::{KalmanForm, KalmanOptions, KalmanPath, KalmanReading, kalman_path};
pub use variances::{KalmanSearch, KalmanVariances, kalman_variances};

use crate::{LinearError, Panel};

/// Variances of a random-walk regression, in units of each asset's noise variance. K columns.
#[derive(Debug, Clone, PartialEq)]
pub struct KalmanModel {
    /// `[column]`: variance of a coefficient's step from one row to the next; 0 = does not move.
    pub step_variance: Vec<f64>,
    /// `[column]`: expected coefficient at the first row.
    pub initial_mean: Vec<f64>,
    /// `[column]`: its variance there; infinite = diffuse, nothing is known.
    pub initial_variance: Vec<f64>,
    /// `[column]`: share of a coefficient that is left in the next row, in [-1, 1]; 1 where the start is diffuse.
    pub transition: Vec<f64>,
}

impl KalmanModel {
    /// A model of which nothing is known at the first row.
    pub fn diffuse(step_variance: Vec<f64>) -> Self {
        let columns = step_variance.len();
        Self {
            step_variance,
            initial_mean: vec![0.0; columns],
            initial_variance: vec![f64::INFINITY; columns],
            transition: vec![1.0; columns],
        }
    }

    fn check(&self, panel: &Panel) -> Result<(), LinearError> {
        let lengths = [
            ("step_variance", self.step_variance.len()),
            ("initial_mean", self.initial_mean.len()),
            ("initial_variance", self.initial_variance.len()),
            ("transition", self.transition.len()),
        ];
        for (name, actual) in lengths {
            if actual != panel.columns {
                let expected = panel.columns;
                return Err(LinearError::ShapeMismatch { name, expected, actual });
            }
        }
        let bad = |x: &&f64| x.is_nan() || **x < 0.0;
        if let Some(&value) = self.step_variance.iter().find(|x| bad(x) || x.is_infinite()) {
            let remedy = "give a finite variance of at least 0";
            return Err(LinearError::BadOption {
                name: "step_variance",
                value,
                remedy,
            });
        }
        if let Some(&value) = self.initial_variance.iter().find(bad) {
            let remedy = "give a variance of at least 0, infinite where nothing is known";
            return Err(LinearError::BadOption {
                name: "initial_variance",
                value,
                remedy,
            });
        }
        let mut pairs = self.transition.iter().zip(&self.initial_variance);
        if let Some((&value, _)) =
            pairs.find(|(phi, start)| phi.is_nan() || phi.abs() > 1.0 || (start.is_infinite() && **phi != 1.0))
        {
            let remedy = "give a value in [-1, 1], and 1 where nothing is known at the start";
            return Err(LinearError::BadOption {
                name: "transition",
                value,
                remedy,
            });
        }
        match self.initial_mean.iter().find(|x| !x.is_finite()) {
            Some(&value) => {
                let remedy = "give a finite mean";
                Err(LinearError::BadOption {
                    name: "initial_mean",
                    value,
                    remedy,
                })
            }
            None => Ok(()),
        }
    }
}
