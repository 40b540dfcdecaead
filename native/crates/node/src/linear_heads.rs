//! Entry of the regressions with an estimated prior.

use macrograd_linear::{ComponentOptions, HeadOptions, PooledHeads, Rank};
use napi::bindgen_prelude::{AsyncTask, Float64Array, Int32Array, Uint32Array};
use napi_derive::napi;

use crate::linear::LinearPanel;
use crate::task::{CancelToken, ProgressListener, Work, control};

/// Options of the pooled heads.
#[napi(object)]
pub struct LinearHeadOptions {
    /// `[feature]`.
    pub block: Uint32Array,
    pub ridge: bool,
    pub correlation: f64,
    pub max_steps: u32,
    pub min_observations: u32,
    /// Rank of the prior covariance, the largest one tried where `folds` is above 0; `None` = full.
    pub rank: Option<u32>,
    /// Blocks that choose the rank; 0 = none.
    pub folds: Option<u32>,
}

/// Heads of all assets.
#[napi(object)]
pub struct LinearHeads {
    /// `[asset][feature]`.
    pub heads: Float64Array,
    /// `[asset]`.
    pub offsets: Float64Array,
    /// `[pattern][feature][feature]`.
    pub covariance: Float64Array,
    /// `[asset]`, -1 = too few returns.
    pub pattern: Int32Array,
    /// `[asset]`.
    pub observations: Uint32Array,
    /// `[feature]`.
    pub mean: Float64Array,
    /// `[feature]`.
    pub spread: Float64Array,
    pub own_noise: f64,
    pub common_noise: f64,
    pub steps: u32,
    pub converged: bool,
    /// Absent = full.
    pub rank: Option<u32>,
    /// `[rank]`, then the full one.
    pub rank_errors: Float64Array,
}

/// Posterior heads of all assets on shared features.
#[napi(ts_return_type = "Promise<LinearHeads>")]
pub fn linear_pooled_heads(
    panel: LinearPanel,
    options: LinearHeadOptions,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearHeads>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let own = HeadOptions {
            block: options.block.to_vec(),
            ridge: options.ridge,
            correlation: options.correlation,
            max_steps: options.max_steps as usize,
            min_observations: options.min_observations as usize,
            rank: match (options.rank, options.folds) {
                (None, _) => Rank::Full,
                (Some(rank), None | Some(0)) => Rank::Fixed(rank as usize),
                (Some(most), Some(folds)) => Rank::Validated {
                    most: most as usize,
                    folds: folds as usize,
                },
            },
        };
        Ok(heads_of(macrograd_linear::pooled_heads(&panel.view()?, &own, control)?))
    })
}

/// Options of heads on learned components.
#[napi(object)]
pub struct LinearComponentOptions {
    /// `[feature]`: 0 = own, from 1 on its group.
    pub group: Uint32Array,
    /// `[feature]`.
    pub scale: Float64Array,
    pub components: u32,
    pub max_steps: u32,
    pub min_observations: u32,
}

/// Posterior heads of all assets on a few learned components of many features.
#[napi(ts_return_type = "Promise<LinearHeads>")]
pub fn linear_component_heads(
    panel: LinearPanel,
    options: LinearComponentOptions,
    threads: u32,
    token: Option<&CancelToken>,
    on_progress: Option<ProgressListener>,
) -> AsyncTask<Work<LinearHeads>> {
    Work::spawn(control(threads, token, on_progress), move |control| {
        let own = ComponentOptions {
            group: options.group.to_vec(),
            scale: options.scale.to_vec(),
            components: options.components as usize,
            max_steps: options.max_steps as usize,
            min_observations: options.min_observations as usize,
        };
        Ok(heads_of(macrograd_linear::component_heads(
            &panel.view()?,
            &own,
            control,
        )?))
    })
}

fn heads_of(fit: PooledHeads) -> LinearHeads {
    LinearHeads {
        heads: fit.heads.into(),
        offsets: fit.offsets.into(),
        covariance: fit.covariance.into(),
        pattern: fit.pattern.into(),
        observations: fit.observations.into(),
        mean: fit.mean.into(),
        spread: fit.spread.into(),
        own_noise: fit.noise.0,
        common_noise: fit.noise.1,
        steps: fit.steps as u32,
        converged: fit.converged,
        rank: fit.rank.map(|rank| rank as u32),
        rank_errors: fit.rank_errors.into(),
    }
}
