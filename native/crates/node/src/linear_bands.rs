//! Entries of bands by resampling and of responses that depend on the state.

use macrograd_linear::{
    BootstrapOptions, RegimeRule, Resampling, StateResponseOptions, Statistic, bootstrap_bands, state_responses,
    threshold_var,
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
        let (rows, k) = (series.rows as usize, series.series as usize);
        let fit = macrograd_linear::var(&series.values, rows, k, order as usize)?;
        let bands = bootstrap_bands(&series.values, &fit, &options.view()?, &bootstrap.view()?, control)?;
        Ok(LinearBands {
            values: bands.values.into(),
            lo: bands.lo.into(),
            hi: bands.hi.into(),
        })
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
        let rule = RegimeRule {
            variable: options.variable as usize,
            delay: options.delay as usize,
            threshold: options.threshold,
        };
        let (rows, k) = (series.rows as usize, series.series as usize);
        let fit = threshold_var(&series.values, rows, k, options.order as usize, rule)?;
        let wanted = StateResponseOptions {
            horizon: options.horizon as usize,
            cumulative: options.cumulative,
            size: options.size,
            histories: options.histories as usize,
            futures: options.futures as usize,
            draws: options.draws as usize,
            seed: options.seed as u64,
            level: options.level,
        };
        let found = state_responses(&series.values, &fit, &wanted, control)?;
        Ok(LinearStateResponses {
            threshold: fit.rule.threshold,
            observations: fit.rows.iter().map(|rows| rows.len() as u32).collect(),
            values: found.values.into(),
            lo: found.lo.into(),
            hi: found.hi.into(),
            draws_used: found.draws_used as u32,
        })
    })
}
