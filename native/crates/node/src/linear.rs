//! Entries of the traditional methods.

use macrograd_linear::{
    Covariance, CrossSection, EwmOptions, Leverage, LinearError, MovingErrors, OlsOptions, Panel, Path, PathBuffers,
    PathEnd, PathRange, Reference, RollingOptions,
};
use napi::bindgen_prelude::{AsyncTask, Float64Array, Uint32Array};
use napi_derive::napi;

use crate::lent::Lent;
use crate::task::{CancelToken, Failure, ProgressListener, Work, control, guarded};

impl From<LinearError> for Failure {
    fn from(error: LinearError) -> Self {
        let code = match error {
            LinearError::ShapeMismatch { .. } => "shape_mismatch",
            LinearError::NotFinite { .. } => "not_finite",
            LinearError::BadOption { .. } => "bad_argument",
            LinearError::Cancelled => "cancelled",
        };
        Failure::new(code, error)
    }
}

/// One design and the returns of many assets; NaN = missing. Not to be changed while a call runs.
#[napi(object)]
pub struct LinearPanel {
    /// `[row][column]`.
    pub design: Float64Array,
    /// `[row][asset]`.
    pub returns: Float64Array,
    pub rows: u32,
    pub columns: u32,
    pub assets: u32,
}

impl LinearPanel {
    pub(crate) fn view(&self) -> Result<Panel<'_>, LinearError> {
        let (rows, columns, assets) = (self.rows as usize, self.columns as usize, self.assets as usize);
        Panel::new(&self.design, &self.returns, rows, columns, assets)
    }
}

/// Options of the static regression.
#[napi(object)]
pub struct LinearOlsOptions {
    /// `homoscedastic`, `hc0`, `hc1`, `hc2`, `hc3`, `hac`, `hac_andrews` or `clustered`.
    pub covariance: String,
    /// Lags of the Bartlett kernel; negative = automatic.
    pub lags: i32,
    /// `[row]`, labels of clusters; empty unless `clustered`.
    pub clusters: Uint32Array,
    /// `[row]`, weights of the rows; empty = all 1.
    pub weights: Float64Array,
    pub small_sample: bool,
    /// p-values from the normal instead of Student's t.
    pub normal: bool,
    pub min_observations: u32,
}

impl LinearOlsOptions {
    fn covariance(&self) -> Result<Covariance<'_>, Failure> {
        let small_sample = self.small_sample;
        Ok(match self.covariance.as_str() {
            "homoscedastic" => Covariance::Homoscedastic,
            "hc0" => Covariance::Heteroscedastic(Leverage::Hc0),
            "hc1" => Covariance::Heteroscedastic(Leverage::Hc1),
            "hc2" => Covariance::Heteroscedastic(Leverage::Hc2),
            "hc3" => Covariance::Heteroscedastic(Leverage::Hc3),
            "hac" => Covariance::Hac {
                lags: usize::try_from(self.lags).ok(),
                small_sample,
            },
            "hac_andrews" => Covariance::HacAndrews { small_sample },
            "clustered" => Covariance::Clustered {
                clusters: &self.clusters,
                small_sample,
            },
            other => {
                return Err(Failure::new(
                    "bad_argument",
                    format!("there is no covariance \"{other}\""),
                ));
            }
        })
    }
}

/// Static regression of every asset.
#[napi(object)]
pub struct LinearOls {
    /// `[asset][column]`.
    pub coefficients: Float64Array,
    /// `[asset][column][column]`.
    pub covariance: Float64Array,
    /// `[asset][column]`.
    pub p_values: Float64Array,
    /// `[asset][row]`.
    pub residuals: Float64Array,
    /// `[asset]`.
    pub residual_variance: Float64Array,
    /// `[asset]`.
    pub observations: Uint32Array,
    /// `[asset]`, 0 = not estimated.
    pub rank: Uint32Array,
    /// `[asset]`.
    pub condition: Float64Array,
}

/// Rows and assets that are wanted of a moving regression, half-open.
#[napi(object)]
pub struct LinearRange {
    pub row_start: u32,
    pub row_end: u32,
    pub asset_start: u32,
    pub asset_end: u32,
}

impl From<&LinearRange> for PathRange {
    fn from(range: &LinearRange) -> Self {
        Self {
            rows: range.row_start as usize..range.row_end as usize,
            assets: range.asset_start as usize..range.asset_end as usize,
        }
    }
}

/// Facts of every asset at the last row of a path.
#[napi(object)]
pub struct LinearPathEnd {
    /// `[asset]`, as all that follows.
    pub observations: Uint32Array,
    pub rank: Uint32Array,
    pub condition: Float64Array,
    pub degrees_of_freedom: Float64Array,
}

impl From<PathEnd> for LinearPathEnd {
    fn from(last: PathEnd) -> Self {
        Self {
            observations: last.observations.into(),
            rank: last.rank.into(),
            condition: last.condition.into(),
            degrees_of_freedom: last.degrees_of_freedom.into(),
        }
    }
}

/// Coefficients of assets over rows.
#[napi(object)]
pub struct LinearPath {
    /// `[asset][row][column]`.
    pub coefficients: Float64Array,
    /// Same shape, or empty.
    pub variances: Float64Array,
    /// `[asset]`, at the last row, as all that follows.
    pub observations: Uint32Array,
    pub rank: Uint32Array,
    pub condition: Float64Array,
    pub degrees_of_freedom: Float64Array,
}

impl From<Path> for LinearPath {
    fn from(path: Path) -> Self {
        Self {
            coefficients: path.coefficients.into(),
            variances: path.variances.into(),
            observations: path.last.observations.into(),
            rank: path.last.rank.into(),
            condition: path.last.condition.into(),
            degrees_of_freedom: path.last.degrees_of_freedom.into(),
        }
    }
}

/// Options of the rolling regression.
#[napi(object)]
pub struct LinearRollingOptions {
    pub window: u32,
    pub min_observations: u32,
    pub variances: bool,
    pub hac: bool,
    /// Of the HAC variances; negative = automatic.
    pub lags: i32,
    /// Columns that are not shrunk to zero.
    pub free_columns: Vec<u32>,
}

fn columns(numbers: &[u32]) -> Vec<usize> {
    numbers.iter().map(|&column| column as usize).collect()
}

fn moving_errors(hac: bool, lags: i32) -> MovingErrors {
    let lags = usize::try_from(lags).ok();
    if hac {
        MovingErrors::Hac { lags }
    } else {
        MovingErrors::Homoscedastic
    }
}

/// Options of the exponentially weighted regression.
#[napi(object)]
pub struct LinearEwmOptions {
    pub half_life: f64,
    pub min_observations: u32,
    pub variances: bool,
    /// Without a prior.
    pub hac: bool,
    /// Of the HAC variances; negative = automatic.
    pub lags: i32,
    pub free_columns: Vec<u32>,
}

impl From<&LinearEwmOptions> for EwmOptions {
    fn from(options: &LinearEwmOptions) -> Self {
        Self {
            half_life: options.half_life,
            min_observations: options.min_observations as usize,
            variances: options.variances,
            errors: moving_errors(options.hac, options.lags),
            free_columns: columns(&options.free_columns),
        }
    }
}

/// Cross-section of moving regressions at every row.
#[napi(object)]
pub struct LinearCrossSection {
    /// `[row]`.
    pub market: Float64Array,
    /// `[row][column]`.
    pub tau2: Float64Array,
    /// `[row]`.
    pub gamma2: Float64Array,
    /// Standard errors of `tau2` and `gamma2`.
    pub tau2_error: Float64Array,
    pub gamma2_error: Float64Array,
    /// `[row]`.
    pub assets: Uint32Array,
}

impl From<CrossSection> for LinearCrossSection {
    fn from(prior: CrossSection) -> Self {
        Self {
            market: prior.market.into(),
            tau2: prior.tau2.into(),
            gamma2: prior.gamma2.into(),
            tau2_error: prior.tau2_error.into(),
            gamma2_error: prior.gamma2_error.into(),
            assets: prior.assets.into(),
        }
    }
}

impl From<&LinearCrossSection> for CrossSection {
    fn from(prior: &LinearCrossSection) -> Self {
        Self {
            market: prior.market.to_vec(),
            tau2: prior.tau2.to_vec(),
            gamma2: prior.gamma2.to_vec(),
            tau2_error: prior.tau2_error.to_vec(),
            gamma2_error: prior.gamma2_error.to_vec(),
            assets: prior.assets.to_vec(),
        }
    }
}

/// Least squares of every asset on the shared design.
#[napi(ts_return_type = "Promise<LinearOls>")]
pub fn linear_ols(
    panel: LinearPanel,
    options: LinearOlsOptions,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearOls>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let options = OlsOptions {
            covariance: options.covariance()?,
            weights: (!options.weights.is_empty()).then_some(&options.weights[..]),
            reference: if options.normal {
                Reference::Normal
            } else {
                Reference::StudentT
            },
            min_observations: options.min_observations as usize,
        };
        let fit = macrograd_linear::ols(&panel.view()?, &options, control)?;
        Ok(LinearOls {
            coefficients: fit.coefficients.into(),
            covariance: fit.covariance.into(),
            p_values: fit.p_values.into(),
            residuals: fit.residuals.into(),
            residual_variance: fit.residual_variance.into(),
            observations: fit.observations.into(),
            rank: fit.rank.into(),
            condition: fit.condition.into(),
        })
    })
}

impl From<&LinearRollingOptions> for RollingOptions {
    fn from(options: &LinearRollingOptions) -> Self {
        Self {
            window: options.window as usize,
            min_observations: options.min_observations as usize,
            variances: options.variances,
            errors: moving_errors(options.hac, options.lags),
            free_columns: columns(&options.free_columns),
        }
    }
}

/// Least squares over the last rows, at every row of the range.
#[napi(ts_return_type = "Promise<LinearPath>")]
pub fn linear_rolling_ols(
    panel: LinearPanel,
    options: LinearRollingOptions,
    range: LinearRange,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearPath>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let (options, range) = ((&options).into(), (&range).into());
        Ok(macrograd_linear::rolling_ols(&panel.view()?, &options, None, &range, control)?.into())
    })
}

/// The same shrunk to a cross-section.
#[napi(ts_return_type = "Promise<LinearPath>")]
pub fn linear_rolling_posterior(
    panel: LinearPanel,
    options: LinearRollingOptions,
    prior: LinearCrossSection,
    range: LinearRange,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearPath>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let (options, range) = ((&options).into(), (&range).into());
        let prior = CrossSection::from(&prior);
        Ok(macrograd_linear::rolling_ols(&panel.view()?, &options, Some(&prior), &range, control)?.into())
    })
}

/// Cross-section of the rolling regressions of all assets, at every row.
#[napi(ts_return_type = "Promise<LinearCrossSection>")]
pub fn linear_rolling_prior(
    panel: LinearPanel,
    options: LinearRollingOptions,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearCrossSection>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        Ok(macrograd_linear::rolling_prior(&panel.view()?, &(&options).into(), control)?.into())
    })
}

/// Least squares over the last rows, at every row of the range, written to the caller's coefficients `[asset][row][column]` and
/// variances, of the same shape or empty.
#[napi(ts_return_type = "Promise<LinearPathEnd>")]
#[allow(
    clippy::too_many_arguments,
    reason = "the arrays lent by JavaScript, and what every call takes"
)]
pub fn linear_rolling_ols_into(
    panel: LinearPanel,
    options: LinearRollingOptions,
    range: LinearRange,
    mut coefficients: Float64Array,
    mut variances: Float64Array,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearPathEnd>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let buffers = PathBuffers {
            coefficients: coefficients.lent(),
            variances: variances.lent(),
        };
        let (options, range) = ((&options).into(), (&range).into());
        Ok(macrograd_linear::rolling_ols_into(&panel.view()?, &options, &range, buffers, control)?.into())
    })
}

/// Cross-section of the exponentially weighted regressions of all assets, at every row.
#[napi(ts_return_type = "Promise<LinearCrossSection>")]
pub fn linear_ewm_prior(
    panel: LinearPanel,
    options: LinearEwmOptions,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearCrossSection>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        Ok(macrograd_linear::ewm_prior(&panel.view()?, &(&options).into(), control)?.into())
    })
}

/// How well posterior means of those regressions explain the next row, under priors of several strengths: sum of squared errors
/// by strength over the rows of the range and all assets.
#[napi(ts_return_type = "Promise<Float64Array>")]
pub fn linear_ewm_strength_errors(
    panel: LinearPanel,
    options: LinearEwmOptions,
    strengths: Float64Array,
    range: LinearRange,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<Float64Array>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let rows = PathRange::from(&range).rows;
        let errors =
            macrograd_linear::ewm_strength_errors(&panel.view()?, &(&options).into(), &strengths, rows, control)?;
        Ok(errors.into())
    })
}

/// Exponentially weighted least squares at every row of the range; with a prior, shrunk.
#[napi(ts_return_type = "Promise<LinearPath>")]
pub fn linear_ewm_path(
    panel: LinearPanel,
    options: LinearEwmOptions,
    prior: Option<LinearCrossSection>,
    range: LinearRange,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearPath>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let prior = prior.as_ref().map(CrossSection::from);
        let (options, range) = ((&options).into(), (&range).into());
        Ok(macrograd_linear::ewm_path(&panel.view()?, &options, prior.as_ref(), &range, control)?.into())
    })
}

/// Two-sided p-values of t statistics; infinite degrees of freedom mean the standard normal.
#[napi]
pub fn linear_p_values(statistics: Float64Array, degrees_of_freedom: Float64Array) -> napi::Result<Float64Array> {
    let values = guarded(|| {
        if statistics.len() != degrees_of_freedom.len() {
            let error = LinearError::ShapeMismatch {
                name: "degrees_of_freedom",
                expected: statistics.len(),
                actual: degrees_of_freedom.len(),
            };
            return Err(error.into());
        }
        let pairs = statistics.iter().zip(degrees_of_freedom.iter());
        Ok(pairs
            .map(|(&t, &df)| match df.is_infinite() {
                true => macrograd_linear::normal_two_sided(t),
                false => macrograd_linear::student_t_two_sided(t, df),
            })
            .collect::<Vec<f64>>())
    })?;
    Ok(values.into())
}
