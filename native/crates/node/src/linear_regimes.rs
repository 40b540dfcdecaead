//! Entries of the regressions with regimes: thresholds and hidden Markov chains.

use macrograd_linear::{MarkovOptions, ThresholdFit, ThresholdOptions};
use napi::bindgen_prelude::{AsyncTask, Float64Array, Uint8Array, Uint32Array};
use napi_derive::napi;

use crate::linear::LinearPanel;
use crate::task::{CancelToken, ProgressListener, Work, control};

/// Options of the search for thresholds.
#[napi(object)]
pub struct LinearThresholdOptions {
    /// `[variable][row]`.
    pub variables: Float64Array,
    pub trimming: f64,
    pub candidates: u32,
    pub replications: u32,
    pub seed: u32,
    pub confidence: f64,
    pub min_observations: u32,
}

/// Thresholds `[asset]`, then the one of all assets together.
#[napi(object)]
pub struct LinearThresholds {
    pub variable: Uint32Array,
    /// NaN = not estimated.
    pub threshold: Float64Array,
    /// Least interval that holds the region.
    pub lower: Float64Array,
    pub upper: Float64Array,
    /// Parts of the regions, two ends each, one fit after the other.
    pub region: Float64Array,
    /// Parts of each fit's region.
    pub parts: Uint32Array,
    /// Largest Wald statistic.
    pub statistic: Float64Array,
    pub p_value: Float64Array,
}

/// Options of the Markov-switching regression.
#[napi(object)]
pub struct LinearMarkovOptions {
    pub regimes: u32,
    pub switching_noise: bool,
    pub starts: u32,
    pub seed: u32,
    pub least_share: f64,
    pub min_observations: u32,
}

/// Markov-switching regressions, regimes by ascending noise.
#[napi(object)]
pub struct LinearMarkov {
    /// `[asset][regime][column]`.
    pub coefficients: Float64Array,
    /// `[asset][regime][column]`.
    pub variances: Float64Array,
    /// `[asset][regime]`.
    pub noise: Float64Array,
    /// `[asset][from][to]`.
    pub transition: Float64Array,
    /// `[asset][row][regime]`, given data up to the row.
    pub filtered: Float64Array,
    /// `[asset][row][regime]`, given all data.
    pub smoothed: Float64Array,
    /// `[asset]`.
    pub log_likelihood: Float64Array,
    /// `[asset]`.
    pub observations: Uint32Array,
    /// `[asset]`, 0 or 1.
    pub converged: Uint8Array,
}

/// Least-squares thresholds of all assets, each for itself and together, with bootstrap p-values.
#[napi(ts_return_type = "Promise<LinearThresholds>")]
pub fn linear_thresholds(
    panel: LinearPanel,
    options: LinearThresholdOptions,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearThresholds>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let own = ThresholdOptions {
            variables: &options.variables,
            trimming: options.trimming,
            candidates: options.candidates as usize,
            replications: options.replications as usize,
            seed: u64::from(options.seed),
            confidence: options.confidence,
            min_observations: options.min_observations as usize,
        };
        let mut found = macrograd_linear::threshold_search(&panel.view()?, &own, control)?;
        found.assets.push(found.pooled);
        let column = |of: fn(&ThresholdFit) -> f64| found.assets.iter().map(of).collect::<Vec<f64>>().into();
        Ok(LinearThresholds {
            variable: found
                .assets
                .iter()
                .map(|fit| fit.variable as u32)
                .collect::<Vec<_>>()
                .into(),
            threshold: column(|fit| fit.threshold),
            lower: column(|fit| fit.interval().0),
            upper: column(|fit| fit.interval().1),
            region: found
                .assets
                .iter()
                .flat_map(|fit| fit.region.concat())
                .collect::<Vec<_>>()
                .into(),
            parts: found
                .assets
                .iter()
                .map(|fit| fit.region.len() as u32)
                .collect::<Vec<_>>()
                .into(),
            statistic: column(|fit| fit.statistic),
            p_value: column(|fit| fit.p_value),
        })
    })
}

/// Maximum-likelihood Markov-switching regressions, asset by asset.
#[napi(ts_return_type = "Promise<LinearMarkov>")]
pub fn linear_markov(
    panel: LinearPanel,
    options: LinearMarkovOptions,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearMarkov>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let own = MarkovOptions {
            regimes: options.regimes as usize,
            switching_noise: options.switching_noise,
            starts: options.starts as usize,
            seed: u64::from(options.seed),
            least_share: options.least_share,
            min_observations: options.min_observations as usize,
        };
        let fit = macrograd_linear::markov_switching(&panel.view()?, &own, control)?;
        Ok(LinearMarkov {
            coefficients: fit.coefficients.into(),
            variances: fit.variances.into(),
            noise: fit.noise.into(),
            transition: fit.transition.into(),
            filtered: fit.path.filtered.into(),
            smoothed: fit.path.smoothed.into(),
            log_likelihood: fit.path.log_likelihood.into(),
            observations: fit.observations.into(),
            converged: fit
                .converged
                .iter()
                .map(|&done| u8::from(done))
                .collect::<Vec<_>>()
                .into(),
        })
    })
}
