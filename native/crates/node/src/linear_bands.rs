//! Entries of bands by resampling and of responses that depend on the state.

use macrograd_linear::{
    AssetSample, Bands, BootstrapOptions, RegimeRule, Resampling, StateResponseOptions, Statistic, ThresholdVar,
    asset_bootstrap_bands, bootstrap_bands, state_asset_responses, state_responses, threshold_var,
};
use napi::bindgen_prelude::{AsyncTask, Float64Array};
use napi_derive::napi;

use crate::linear_factors::{LinearResponseOptions, LinearSeries};
use crate::task::{CancelToken, Failure, ProgressListener, Work, control, guarded};

/// How an autoregression is simulated, and what the bands are of.
#[napi(object)]
pub struct LinearBootstrapOptions {
    /// `residual`, `wild` or `block`.
    pub resampling: String,
    /// Rows of a block.
    pub block_length: u32,
    /// Variance shares instead of responses.
    pub variance_shares: bool,
    pub draws: u32,
    pub seed: f64,
    pub level: f64,
}

impl LinearBootstrapOptions {
    fn view(&self) -> Result<BootstrapOptions, Failure> {
        let resampling = match self.resampling.as_str() {
            "residual" => Resampling::Residual,
            "wild" => Resampling::Wild,
            "block" => Resampling::Block(self.block_length as usize),
            other => {
                return Err(Failure::new(
                    "bad_argument",
                    format!("there is no resampling \"{other}\""),
                ));
            }
        };
        let statistic = if self.variance_shares {
            Statistic::VarianceShares
        } else {
            Statistic::Responses
        };
        Ok(BootstrapOptions {
            resampling,
            statistic,
            draws: self.draws as usize,
            seed: self.seed as u64,
            level: self.level,
        })
    }
}

/// Estimates with pointwise bands.
#[napi(object)]
pub struct LinearBands {
    pub values: Float64Array,
    pub lo: Float64Array,
    pub hi: Float64Array,
}

impl From<Bands> for LinearBands {
    fn from(Bands { values, lo, hi }: Bands) -> Self {
        Self {
            values: values.into(),
            lo: lo.into(),
            hi: hi.into(),
        }
    }
}

/// Returns `[row][asset]` on the rows of a series, and how many rows of factors an equation has.
#[napi(object)]
pub struct LinearAssetSample {
    pub returns: Float64Array,
    pub assets: u32,
    pub lags: u32,
}

impl LinearAssetSample {
    fn view(&self) -> AssetSample<'_> {
        AssetSample {
            returns: &self.returns,
            assets: self.assets as usize,
            lags: self.lags as usize,
        }
    }
}

/// Bands of the responses of assets, `[asset][horizon][shock]`.
#[napi(ts_return_type = "Promise<LinearBands>")]
#[allow(
    clippy::too_many_arguments,
    reason = "one argument each of what JavaScript hands over"
)]
pub fn linear_asset_bootstrap_bands(
    series: LinearSeries,
    order: u32,
    sample: LinearAssetSample,
    options: LinearResponseOptions,
    bootstrap: LinearBootstrapOptions,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearBands>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let (fit, options, bootstrap) = (series.fit(order)?, options.view()?, bootstrap.view()?);
        let bands = asset_bootstrap_bands(&series.values, &fit, &sample.view(), &options, &bootstrap, control)?;
        Ok(bands.into())
    })
}

/// Bands of an autoregression's responses or variance shares, `[responding][horizon][shock]`.
#[napi(ts_return_type = "Promise<LinearBands>")]
pub fn linear_bootstrap_bands(
    series: LinearSeries,
    order: u32,
    options: LinearResponseOptions,
    bootstrap: LinearBootstrapOptions,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearBands>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let (fit, options, bootstrap) = (series.fit(order)?, options.view()?, bootstrap.view()?);
        let bands = bootstrap_bands(&series.values, &fit, &options, &bootstrap, control)?;
        Ok(bands.into())
    })
}

/// Shares of forecast error variances, `[responding][horizon][shock]`.
#[napi]
pub fn linear_variance_shares(
    fit: crate::linear_factors::LinearVar,
    options: LinearResponseOptions,
) -> napi::Result<Float64Array> {
    let shares = guarded(|| Ok(macrograd_linear::variance_shares(&fit.fit()?, &options.view()?)?))?;
    Ok(shares.into())
}

/// A threshold autoregression and the shocks that are asked of it.
#[napi(object)]
pub struct LinearStateOptions {
    pub order: u32,
    pub variable: u32,
    pub delay: u32,
    /// NaN: searched for.
    pub threshold: f64,
    pub horizon: u32,
    pub cumulative: bool,
    pub size: f64,
    pub histories: u32,
    pub futures: u32,
    pub draws: u32,
    pub seed: f64,
    pub level: f64,
}

/// Responses by regime.
#[napi(object)]
pub struct LinearStateResponses {
    pub threshold: f64,
    /// Rows of each regime.
    pub observations: Vec<u32>,
    /// `[regime][responding][horizon][shock]`.
    pub values: Float64Array,
    pub lo: Float64Array,
    pub hi: Float64Array,
    pub draws_used: u32,
}

impl LinearStateOptions {
    fn fit(&self, series: &LinearSeries) -> Result<ThresholdVar, Failure> {
        let rule = RegimeRule {
            variable: self.variable as usize,
            delay: self.delay as usize,
            threshold: self.threshold,
        };
        let (rows, k) = (series.rows as usize, series.series as usize);
        Ok(threshold_var(&series.values, rows, k, self.order as usize, rule)?)
    }

    fn view(&self) -> StateResponseOptions {
        StateResponseOptions {
            horizon: self.horizon as usize,
            cumulative: self.cumulative,
            size: self.size,
            histories: self.histories as usize,
            futures: self.futures as usize,
            draws: self.draws as usize,
            seed: self.seed as u64,
            level: self.level,
        }
    }
}

impl LinearStateResponses {
    fn new(fit: &ThresholdVar, bands: Bands, draws_used: usize) -> Self {
        Self {
            threshold: fit.rule.threshold,
            observations: fit.rows.iter().map(|rows| rows.len() as u32).collect(),
            values: bands.values.into(),
            lo: bands.lo.into(),
            hi: bands.hi.into(),
            draws_used: draws_used as u32,
        }
    }
}

/// Generalised responses by regime of a threshold autoregression.
#[napi(ts_return_type = "Promise<LinearStateResponses>")]
pub fn linear_state_responses(
    series: LinearSeries,
    options: LinearStateOptions,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearStateResponses>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let fit = options.fit(&series)?;
        let found = state_responses(&series.values, &fit, &options.view(), control)?;
        let (values, lo, hi) = (found.values, found.lo, found.hi);
        Ok(LinearStateResponses::new(
            &fit,
            Bands { values, lo, hi },
            found.draws_used,
        ))
    })
}

/// The same of assets, `[asset][regime][horizon][shock]`.
#[napi(ts_return_type = "Promise<LinearStateResponses>")]
pub fn linear_state_asset_responses(
    series: LinearSeries,
    sample: LinearAssetSample,
    options: LinearStateOptions,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearStateResponses>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let fit = options.fit(&series)?;
        let (bands, used) = state_asset_responses(&series.values, &fit, &sample.view(), &options.view(), control)?;
        Ok(LinearStateResponses::new(&fit, bands, used))
    })
}
