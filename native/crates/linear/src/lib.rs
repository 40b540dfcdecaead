//! Traditional regressions in float64 for many assets on one design.
//!
//! Everything here takes a [`Panel`]: a design `[row][column]` shared by all assets and returns
//! `[row][asset]`, NaN where missing. Assets that miss the same rows share every factorisation.
//! Work is cut by asset and never by thread, so results have the same bits for any thread count.
//!
//! - [`ols`]: static least squares by column-scaled QR, homoscedastic or HAC covariance.
//! - [`var`], [`var_order`], [`var_responses`], [`asset_responses`]: vector autoregressions, and assets' dynamic
//!   exposures to their shocks.
//! - [`bootstrap_bands`], [`asset_bootstrap_bands`]: bands of responses by resampling; [`threshold_var`],
//!   [`state_responses`], [`state_asset_responses`]: responses that depend on the state.
//! - [`pca`]: principal components, missing values by EM; [`fama_macbeth`], [`grs_test`]: asset-pricing tests.
//! - [`shrinkage_path`]: elastic net, principal-component and partial least squares with block cross-validation.
//! - [`rolling_ols`], [`rolling_ols_into`]: least squares over the last `window` rows, at every row; [`ewm_path`]:
//!   exponentially weighted. Both as they are or, with [`rolling_prior`] and [`ewm_prior`], shrunk to the cross-section
//!   of assets and to zero by empirical Bayes; [`ewm_strength_errors`]: by how much.
//! - [`threshold_search`]: coefficients that change where a variable crosses a threshold.
//! - [`markov_switching`], [`markov_path`]: coefficients and noise that switch with a hidden Markov chain.
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
mod leading_eigen;
mod markov;
mod maximise;
mod moving;
mod moving_hac;
mod ols;
mod panel;
mod parallel;
mod path;
mod pca;
mod posterior;
mod pricing;
mod prior;
mod qr;
mod random;
mod rolling;
mod sandwich;
mod shrink;
mod shrinkage_path;
mod small;
mod solver;
mod special;
mod stream;
mod threshold;
mod validation;
mod var;
mod windows;

pub use error::LinearError;
pub use ewm::{EwmOptions, ewm_path, ewm_prior, ewm_strength_errors};
pub use hac::{andrews_bandwidth, automatic_lags, hac_covariance};
pub use heads::{ComponentOptions, HeadOptions, PooledHeads, Rank, component_heads, pooled_heads};
pub use kalman::{
    KalmanForm, KalmanLikelihood, KalmanModel, KalmanNoise, KalmanOptions, KalmanPath, KalmanReading, KalmanSearch,
    KalmanVariances, kalman_likelihood, kalman_path, kalman_variances, kalman_variances_each,
};
pub use markov::{Markov, MarkovModel, MarkovOptions, MarkovPath, markov_path, markov_switching};
pub use moving_hac::MovingErrors;
pub use ols::{Ols, OlsOptions, Reference, ols};
pub use panel::Panel;
pub use path::{Path, PathBuffers, PathEnd, PathRange};
pub use pca::{ComponentCount, Pca, PcaOptions, pca};
pub use pricing::{FamaMacBeth, GrsTest, fama_macbeth, grs_test};
pub use prior::CrossSection;
pub use qr::{PivotedQr, RANK_TOLERANCE};
pub use rolling::{RollingOptions, rolling_ols, rolling_ols_into, rolling_prior};
pub use sandwich::{Covariance, Leverage};
pub use shrinkage_path::{Shrinkage, ShrinkageOptions, ShrinkagePath, shrinkage_path};
pub use special::{f_upper, normal_two_sided, student_t_two_sided};
pub use threshold::{ThresholdFit, ThresholdOptions, ThresholdSearch, threshold_search};
pub use var::{
    AssetEquations, AssetSample, Bands, BootstrapOptions, Criterion, Granger, Impulse, RegimeRule, Resampling,
    ResponseOptions, Responses, StateResponseOptions, StateResponses, Statistic, ThresholdVar, Var, VarOrder,
    asset_bootstrap_bands, asset_responses, bootstrap_bands, granger, state_asset_responses, state_responses,
    threshold_var, var, var_order, var_responses, variance_shares,
};
