//! Regressions of many assets on the same, possibly many, features, with a prior estimated from all of them.
//!
//!   y_it = a_i + R_t'c_i + common_t + own_it,   c_i = mu + w_i,   w_i ~ N(0, A),   mu ~ N(0, diag g)
//!
//! A, g and the two noise variances maximise the marginal likelihood (expectation maximisation; Laird and Ware 1982,
//! Efron and Morris 1973): features that no asset needs are shrunk away, those that all share are pooled. Assets that
//! miss the same rows are taken apart into their mean and the deviations from it, which are independent, so that no step
//! of the fit depends on the number of assets but for one product.

mod estimation;
mod moments;

use macrograd_simd::Control;

use crate::{LinearError, Panel};
use estimation::{Prior, estimate};
use moments::Pattern;

/// Patterns of missing returns that the prior is estimated from, those with the most assets: each costs a few K x K
/// factorisations a step.
const MAX_PATTERNS: usize = 12;

/// Options of [`pooled_heads`].
#[derive(Debug, Clone, PartialEq)]
pub struct HeadOptions {
    /// `[feature]`: block of the feature; g is one number a block.
    pub block: Vec<u32>,
    /// Ridge: mu = 0 and A one number a block. Otherwise every feature has a variance of its own.
    pub ridge: bool,
    /// Share of the estimated covariance between features that A keeps at each step, in [0, 1]; 0 = A is diagonal.
    pub correlation: f64,
    /// Most steps.
    pub max_steps: usize,
    /// Fewest returns of an asset.
    pub min_observations: usize,
}

/// Heads of all assets. N assets, K features, P patterns of missing returns.
#[derive(Debug, Clone)]
pub struct PooledHeads {
    /// `[asset][feature]`: posterior means; NaN with too few returns.
    pub heads: Vec<f64>,
    /// `[asset]`: value of the regression where all features are 0.
    pub offsets: Vec<f64>,
    /// `[pattern][feature][feature]`: posterior covariance of the heads, the same for all assets of a pattern.
    pub covariance: Vec<f64>,
    /// `[asset]`: its pattern; -1 with too few returns.
    pub pattern: Vec<i32>,
    /// `[asset]`: returns used.
    pub observations: Vec<u32>,
    /// `[feature]`: mean of the heads over assets, a priori.
    pub mean: Vec<f64>,
    /// `[feature]`: diagonal of A.
    pub spread: Vec<f64>,
    /// Variance of an asset's own noise, and of the noise that all assets share.
    pub noise: (f64, f64),
    /// Steps taken, and whether the variances stood still at the end.
    pub steps: usize,
    /// Whether the variances stood still at the end.
    pub converged: bool,
}

/// Posterior means and covariances of all assets' coefficients under the estimated prior.
///
/// The panel's columns are the features, without a constant and of about unit variance; returns too should be of one
/// size, as the noise variance is one for all assets.
///
/// # Errors
/// `ShapeMismatch`, `BadOption` or `Cancelled`.
pub fn pooled_heads(panel: &Panel, options: &HeadOptions, control: &Control) -> Result<PooledHeads, LinearError> {
    check(panel, options)?;
    let (n, k) = (panel.assets, panel.columns);
    let needed = options.min_observations.max(2);
    let mut groups = panel.groups(0..n, usize::MAX);
    groups.retain(|group| group.observed.iter().filter(|&&seen| seen).count() >= needed);
    groups.sort_by_key(|group| std::cmp::Reverse(group.assets.len()));
    let mut out = PooledHeads {
        heads: vec![f64::NAN; n * k],
        offsets: vec![f64::NAN; n],
        covariance: Vec::new(),
        pattern: vec![-1; n],
        observations: (0..n)
            .map(|asset| (0..panel.rows).filter(|&row| !panel.value(row, asset).is_nan()).count() as u32)
            .collect(),
        mean: vec![0.0; k],
        spread: vec![0.0; k],
        noise: (f64::NAN, f64::NAN),
        steps: 0,
        converged: false,
    };
    if groups.is_empty() {
        return Ok(out);
    }
    let leading = groups.len().min(MAX_PATTERNS);
    let patterns: Vec<Pattern> = groups[..leading]
        .iter()
        .map(|group| Pattern::new(panel, group))
        .collect();
    let prior = estimate(&patterns, options, control)?;
    let rest = groups[leading..].iter().map(|group| Pattern::new(panel, group));
    for (at, pattern) in patterns.into_iter().chain(rest).enumerate() {
        control.check().map_err(|_| LinearError::Cancelled)?;
        write(&mut out, &pattern, &prior, at, k);
    }
    out.spread = (0..k).map(|j| prior.covariance[j * k + j]).collect();
    out.noise = (prior.own_noise, prior.common_noise);
    out.steps = prior.steps;
    out.converged = prior.converged;
    out.mean = prior.mean;
    control.report(1.0);
    Ok(out)
}

fn write(out: &mut PooledHeads, pattern: &Pattern, prior: &Prior, at: usize, k: usize) {
    let posterior = prior.posterior(pattern);
    for (local, &asset) in pattern.assets.iter().enumerate() {
        let head = &mut out.heads[asset * k..(asset + 1) * k];
        for (j, head) in head.iter_mut().enumerate() {
            *head = prior.mean[j] + posterior.mean_deviation[j] + posterior.deviations[local * k + j];
        }
        let at_mean: f64 = head.iter().zip(&pattern.feature_mean).map(|(c, r)| c * r).sum();
        out.offsets[asset] = pattern.return_mean[local] - at_mean;
        out.pattern[asset] = at as i32;
    }
    out.covariance.extend(posterior.covariance(prior));
}

fn check(panel: &Panel, options: &HeadOptions) -> Result<(), LinearError> {
    if options.block.len() != panel.columns {
        let (expected, actual) = (panel.columns, options.block.len());
        return Err(LinearError::ShapeMismatch {
            name: "block",
            expected,
            actual,
        });
    }
    if !(0.0..=1.0).contains(&options.correlation) {
        let remedy = "give a share in [0, 1]";
        return Err(LinearError::BadOption {
            name: "correlation",
            value: options.correlation,
            remedy,
        });
    }
    Ok(())
}
