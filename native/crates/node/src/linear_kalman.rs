//! Entries of the regressions whose coefficients follow random walks.

use macrograd_linear::{
    KalmanForm, KalmanModel, KalmanNoise, KalmanOptions, KalmanReading, KalmanSearch, KalmanVariances,
};
use napi::bindgen_prelude::{AsyncTask, Float64Array, Uint32Array};
use napi_derive::napi;

use crate::linear::{LinearPanel, LinearRange};
use crate::task::{CancelToken, Failure, ProgressListener, Work, control};

/// Variances of a random-walk regression, in units of each asset's noise variance.
#[napi(object)]
pub struct LinearKalmanModel {
    /// `[column]`.
    pub step_variance: Float64Array,
    /// `[column]`.
    pub initial_mean: Float64Array,
    /// `[column]`; Infinity = diffuse.
    pub initial_variance: Float64Array,
    /// `[column]`, share left in the next row.
    pub transition: Float64Array,
}

impl From<&LinearKalmanModel> for KalmanModel {
    fn from(model: &LinearKalmanModel) -> Self {
        Self {
            step_variance: model.step_variance.to_vec(),
            initial_mean: model.initial_mean.to_vec(),
            initial_variance: model.initial_variance.to_vec(),
            transition: model.transition.to_vec(),
        }
    }
}

impl From<KalmanModel> for LinearKalmanModel {
    fn from(model: KalmanModel) -> Self {
        Self {
            step_variance: model.step_variance.into(),
            initial_mean: model.initial_mean.into(),
            initial_variance: model.initial_variance.into(),
            transition: model.transition.into(),
        }
    }
}

/// Options of the filter and smoother.
#[napi(object)]
pub struct LinearKalmanOptions {
    /// Smoother instead of filter: uses the future.
    pub smoothed: bool,
    pub full_covariance: bool,
    /// `[asset]`; absent = maximum likelihood.
    pub noise: Option<Float64Array>,
    pub min_observations: u32,
    /// `gaussian`, `student_t` or `stochastic_volatility`.
    pub disturbance: String,
    /// Blocks of columns whose states add up.
    pub parts: u32,
    /// Factors in place of covariances; absent = no.
    pub square_root: Option<bool>,
}

fn disturbance(name: &str) -> Result<KalmanNoise, Failure> {
    match name {
        "gaussian" => Ok(KalmanNoise::Gaussian),
        "student_t" => Ok(KalmanNoise::StudentT),
        "stochastic_volatility" => Ok(KalmanNoise::StochasticVolatility),
        other => Err(Failure::new("bad_argument", format!("there is no noise \"{other}\""))),
    }
}

/// States of assets over rows.
#[napi(object)]
pub struct LinearKalmanPath {
    /// `[asset][row][column]`.
    pub coefficients: Float64Array,
    /// `[asset][row][column]`, or with another `[column]`.
    pub variances: Float64Array,
    /// `[asset]`.
    pub noise: Float64Array,
    /// `[asset]`.
    pub log_likelihood: Float64Array,
    /// `[asset]`.
    pub observations: Uint32Array,
    /// `[asset]`: degrees of freedom or step variance of log volatility; NaN for Gaussian noise.
    pub shape: Float64Array,
}

/// Which variances are estimated.
#[napi(object)]
pub struct LinearKalmanSearch {
    pub model: LinearKalmanModel,
    /// `[column]`, -1 = as in the model.
    pub step_parameter: Vec<i32>,
    /// `[column]`, -1 = as in the model.
    pub initial_parameter: Vec<i32>,
    /// `[column]`: starts from the variance that it settles at.
    pub stationary: Vec<bool>,
}

impl From<&LinearKalmanSearch> for KalmanSearch {
    fn from(search: &LinearKalmanSearch) -> Self {
        let parameters = |of: &[i32]| of.iter().map(|&at| usize::try_from(at).ok()).collect();
        Self {
            model: (&search.model).into(),
            step_parameter: parameters(&search.step_parameter),
            initial_parameter: parameters(&search.initial_parameter),
            stationary: search.stationary.clone(),
        }
    }
}

/// Estimated variances.
#[napi(object)]
pub struct LinearKalmanVariances {
    pub model: LinearKalmanModel,
    pub log_likelihood: f64,
    /// `[column]`.
    pub step_score: Float64Array,
    /// `[column]`.
    pub initial_score: Float64Array,
    pub evaluations: u32,
    pub converged: bool,
}

impl From<KalmanVariances> for LinearKalmanVariances {
    fn from(found: KalmanVariances) -> Self {
        Self {
            model: found.model.into(),
            log_likelihood: found.at.log_likelihood,
            step_score: found.at.step_score.into(),
            initial_score: found.at.initial_score.into(),
            evaluations: found.evaluations as u32,
            converged: found.converged,
        }
    }
}

/// Estimated variances of every asset.
#[napi(object)]
pub struct LinearKalmanEach {
    /// `[asset]`.
    pub assets: Vec<Option<LinearKalmanVariances>>,
}

/// Filtered or smoothed states of the range; one model for all assets or one an asset.
#[napi(ts_return_type = "Promise<LinearKalmanPath>")]
pub fn linear_kalman_path(
    panel: LinearPanel,
    models: Vec<LinearKalmanModel>,
    options: LinearKalmanOptions,
    range: LinearRange,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearKalmanPath>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let models: Vec<KalmanModel> = models.iter().map(KalmanModel::from).collect();
        let own = KalmanOptions {
            reading: if options.smoothed {
                KalmanReading::Smoothed
            } else {
                KalmanReading::Filtered
            },
            full_covariance: options.full_covariance,
            noise: options.noise.as_deref(),
            min_observations: options.min_observations as usize,
            disturbance: disturbance(&options.disturbance)?,
            parts: options.parts as usize,
            form: if options.square_root == Some(true) {
                KalmanForm::SquareRoot
            } else {
                KalmanForm::Covariance
            },
        };
        let path = macrograd_linear::kalman_path(&panel.view()?, &models, &own, &(&range).into(), control)?;
        Ok(LinearKalmanPath {
            coefficients: path.coefficients.into(),
            variances: path.variances.into(),
            noise: path.noise.into(),
            log_likelihood: path.log_likelihood.into(),
            observations: path.observations.into(),
            shape: path.shape.into(),
        })
    })
}

/// Variances at the maximum of the likelihood pooled over assets.
#[napi(ts_return_type = "Promise<LinearKalmanVariances>")]
pub fn linear_kalman_variances(
    panel: LinearPanel,
    search: LinearKalmanSearch,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearKalmanVariances>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let found = macrograd_linear::kalman_variances(&panel.view()?, &(&search).into(), control)?;
        Ok(found.into())
    })
}

/// Variances of every asset alone, empty where its returns say nothing.
#[napi(ts_return_type = "Promise<LinearKalmanEach>")]
pub fn linear_kalman_variances_each(
    panel: LinearPanel,
    search: LinearKalmanSearch,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearKalmanEach>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let found = macrograd_linear::kalman_variances_each(&panel.view()?, &(&search).into(), control)?;
        Ok(LinearKalmanEach {
            assets: found.into_iter().map(|own| own.map(Into::into)).collect(),
        })
    })
}
