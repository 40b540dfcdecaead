//! Traditional regressions in float64 for many assets on one design.
//!
//! Everything here takes a [`Panel`]: a design `[row][column]` shared by all assets and returns
//! `[row][asset]`, NaN where missing. Assets that miss the same rows share every factorisation.
//! Work is cut by asset and never by thread, so results have the same bits for any thread count.
//!
//! - [`ols`]: static least squares by column-scaled QR, homoscedastic or HAC covariance.
//! - [`rolling_ols`]: least squares over the last `window` rows, at every row.
//! - [`ewm_path`], [`ewm_prior`]: exponentially weighted least squares at every row, shrunk to the
//!   cross-section of assets and to zero by empirical Bayes.
//! - [`kalman_path`], [`kalman_variances`]: coefficients that follow random walks, filtered or smoothed, their variances
//!   by maximum likelihood.
//! - [`pooled_heads`]: regressions of many assets on the same, possibly many, features with an estimated prior.
//! - [`kalman_path`], [`kalman_variances`]: coefficients that follow random walks, filtered or smoothed, their variances
//!   by maximum likelihood.

mod aggregate;
mod error;
mod ewm;
mod hac;
mod heads;
mod kalman;
mod lanes;
mod maximise;
mod ols;
mod panel;
mod parallel;
mod path;
mod prior;
mod qr;
mod rolling;
mod sandwich;
mod shrink;
mod small;
mod solver;
mod special;
mod stream;

pub use error::LinearError;
pub use ewm::{EwmOptions, ewm_path};
pub use hac::{andrews_bandwidth, automatic_lags, hac_covariance};
pub use heads::{HeadOptions, PooledHeads, pooled_heads};
pub use kalman::{
    KalmanLikelihood, KalmanModel, KalmanOptions, KalmanPath, KalmanReading, KalmanSearch, KalmanVariances,
    kalman_likelihood, kalman_path, kalman_variances,
};
pub use ols::{Ols, OlsOptions, Reference, ols};
pub use panel::Panel;
pub use path::{Path, PathRange};
pub use prior::{EwmPrior, ewm_prior};
pub use qr::{PivotedQr, RANK_TOLERANCE};
pub use rolling::{RollingOptions, rolling_ols};
pub use sandwich::{Covariance, Leverage};
pub use special::{normal_two_sided, student_t_two_sided};
